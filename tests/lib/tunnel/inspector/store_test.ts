import assert from "node:assert/strict";
import { KEPT_OF_A_BODY, MOST_EXCHANGES, Store } from "../../../../lib/tunnel/inspector/store.ts";
import { Talk } from "../../../support/http_talk.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/** A store that is told of everything, and a way to let an exchange with a body go by. */
function filled() {
  const store = new Store();
  const gone: number[] = [];
  const put = (length: number): Talk =>
    new Talk({
      keeps: KEPT_OF_A_BODY,
      onExchange: (exchange, event) => gone.push(...store.observe(exchange, event)),
    }).asks(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`).asks(
      new Uint8Array(length),
    );
  return { store, gone, put };
}

Deno.test("the latest 500 exchanges are kept", () => {
  const { store, gone, put } = filled();
  for (let i = 0; i < MOST_EXCHANGES + 3; i++) put(1).says(OK);
  assert.equal(store.size, 500);
  assert.equal(gone.length, 3);
  const ids = Array.from(store.all(), ({ id }) => id);
  assert.deepEqual(ids, ids.toSorted((a, b) => a - b));
  assert.ok(gone.every((id) => id < ids[0]! && store.get(id) === undefined));
});

Deno.test("bodies take 32 MB together, and the oldest exchanges give way, also those that are not over", () => {
  const { store, gone, put } = filled();
  for (let i = 0; i < 200; i++) {
    put(300_000);
    assert.ok(store.bytes <= 32 * 1024 * 1024, `${store.bytes}`);
  }
  assert.ok(store.size > 120 && store.size < 128, `${store.size}`);
  assert.equal(gone.length, 200 - store.size);
});

Deno.test("what gave way is forgotten, and does not come back with what happens to it later", () => {
  const { store, gone, put } = filled();
  const first = put(262_144);
  for (let i = 0; i < MOST_EXCHANGES; i++) put(0).says(OK);
  assert.equal(gone.length, 1);
  const { bytes } = store;
  first.says(OK).ends();
  assert.equal(store.get(gone[0]!), undefined);
  assert.equal(store.bytes, bytes);
});
