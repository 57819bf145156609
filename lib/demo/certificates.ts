/**
 * Certificates made for one run of the demo; nothing of them is written down.
 *
 * @module
 */
import { generate } from "selfsigned";

export interface Certificate {
  /** PEM */
  readonly key: string;
  /** PEM; signed by itself, so that who trusts it trusts this one server. */
  readonly cert: string;
}

/** Makes a certificate for `names`, wildcards included. */
export async function certificateFor(...names: readonly string[]): Promise<Certificate> {
  const DNS = 2;
  const { private: key, cert } = await generate([{ name: "commonName", value: names[0] ?? "" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "subjectAltName", altNames: names.map((value) => ({ type: DNS, value })) },
    ],
  });
  return { key, cert };
}
