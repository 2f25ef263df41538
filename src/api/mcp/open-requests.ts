import { Injectable } from '@nestjs/common';

/** A JSON-RPC id: `1` and `"1"` are two. */
export type RequestId = string | number;

/**
 * The calls that are open here, so that a client of the 2025 revision can cancel one by a message of its own; the
 * revision of 2026 closes the connection instead. Ids are the client's, and clients may share a token: where more than
 * one open call has an id, none is cancelled rather than the wrong one. Another replica's calls are not known here;
 * they end when their connection does.
 */
@Injectable()
export class OpenRequests {
  private readonly open = new Map<string, Set<AbortController>>();

  /** Adds a call; answers how to take it away again. */
  add(tokenId: string, id: RequestId, controller: AbortController): () => void {
    const key = keyOf(tokenId, id);
    const calls = this.open.get(key) ?? new Set();
    this.open.set(key, calls.add(controller));
    return () => {
      calls.delete(controller);
      if (calls.size === 0 && this.open.get(key) === calls) this.open.delete(key);
    };
  }

  /** Aborts the one call with this id; answers whether there was one. */
  cancel(tokenId: string, id: RequestId): boolean {
    const [only, ...more] = this.open.get(keyOf(tokenId, id)) ?? [];
    if (only === undefined || more.length > 0) return false;
    only.abort();
    return true;
  }
}

function keyOf(tokenId: string, id: RequestId): string {
  return `${tokenId} ${typeof id} ${id}`;
}
