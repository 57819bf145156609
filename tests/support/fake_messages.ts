/**
 * What the kernel would see of sendmmsg and recvmmsg: follows the pointers, and fails where they lead beyond what there
 * is.
 *
 * @module
 */
import assert from "node:assert/strict";

/** A message as the kernel reads it. */
export interface SeenMessage {
  /** Without a name it is empty. */
  readonly name: Uint8Array;
  readonly pieces: readonly Uint8Array[];
  readonly control: Uint8Array;
}

/** Memory at made-up addresses beyond 32 bits. */
export class FakeMemory {
  readonly #blocks: Array<{ readonly address: number; readonly bytes: Uint8Array }> = [];

  readonly addressOf = (bytes: Uint8Array<ArrayBuffer>): number => {
    const address = 0x7f12_fff0_0000 + this.#blocks.length * 2 ** 32;
    this.#blocks.push({ address, bytes });
    return address;
  };

  /** Reads messages, as sendmmsg does. */
  messages(headers: Uint8Array<ArrayBuffer>, count: number): SeenMessage[] {
    return Array.from({ length: count }, (_, i) => this.#message(headers.subarray(i * 64)));
  }

  #message(header: Uint8Array<ArrayBuffer>): SeenMessage {
    const view = new DataView(header.buffer, header.byteOffset, 64);
    const at = (offset: number) => Number(view.getBigUint64(offset, true));
    const pieces = this.at(at(16), at(24) * 16);
    const pieceView = new DataView(pieces.buffer, pieces.byteOffset);
    return {
      name: this.at(at(0), view.getUint32(8, true)),
      pieces: Array.from({ length: at(24) }, (_, i) => {
        const [base, length] = [i * 16, i * 16 + 8].map((offset) =>
          Number(pieceView.getBigUint64(offset, true))
        );
        return this.at(base!, length!);
      }),
      control: this.at(at(32), at(40)),
    };
  }

  /** The bytes at an address: the memory itself. */
  at(address: number, length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    for (const block of this.#blocks) {
      const offset = address - block.address;
      if (offset < 0 || offset >= block.bytes.length) continue;
      assert.ok(offset + length <= block.bytes.length, "beyond the memory");
      return block.bytes.subarray(offset, offset + length);
    }
    assert.fail(`no memory at ${address}`);
  }
}
