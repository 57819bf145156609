/**
 * Things in a row that leave it from anywhere: appending and removing are O(1) and allocate nothing.
 *
 * @module
 */

/** What can stand in a {@linkcode Ring}: in one at a time. Out of it, it is its own neighbour. */
export interface Linked<Node> {
  before: Node;
  after: Node;
}

/** Nodes in the order in which they were appended. */
export class Ring<Node extends Linked<Node>> {
  #first: Node | undefined;

  /** The one that was appended before all others. */
  get first(): Node | undefined {
    return this.#first;
  }

  /** @param node In no ring. */
  append(node: Node): void {
    if (this.#first === undefined) {
      this.#first = node.before = node.after = node;
      return;
    }
    const last = this.#first.before;
    last.after = this.#first.before = node;
    node.before = last;
    node.after = this.#first;
  }

  /** Takes `node` out, if it is in. */
  remove(node: Node): void {
    if (node.after === node) {
      if (this.#first === node) this.#first = undefined;
      return;
    }
    node.before.after = node.after;
    node.after.before = node.before;
    if (this.#first === node) this.#first = node.after;
    node.before = node.after = node;
  }

  /** In their order; the one at hand may be removed meanwhile. */
  *[Symbol.iterator](): Iterator<Node> {
    for (let node = this.#first; node !== undefined;) {
      const after: Node | undefined = node.after === this.#first ? undefined : node.after;
      yield node;
      node = after;
    }
  }

  /** Lets go of all of them at once; what they are linked to is of no account any more. */
  clear(): void {
    this.#first = undefined;
  }
}
