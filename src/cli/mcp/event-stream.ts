/** Longest event that is put together; more would be no message of a broker. */
const LARGEST_EVENT = 32 * 1_048_576;

/**
 * The data of each event of a stream (WHATWG HTML, server-sent events §9.2.6), as it comes. Comments and events without
 * data are passed over; an event that the end cuts off is dropped, as the standard says.
 */
export async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > LARGEST_EVENT) throw new Error('an event of the answer is too large');
    // A CR at the end may be half of a CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
      } else if (line === 'data') data.push('');
      else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
}
