// One line of progress on standard error: rewritten in place on a terminal, else printed when it says something new.

/** Answers `report(line)` and `end()`, which clears the line from a terminal. */
export function progressLine(stream = process.stderr) {
  let last = '';
  let topic = '';
  return {
    report(line) {
      if (line === last) return;
      last = line;
      if (stream.isTTY) stream.write(`\r\x1b[2K${line.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`);
      else if (line.split(':')[0] !== topic || /\b\d*[05] s$/.test(line) || !/ s$/.test(line)) {
        topic = line.split(':')[0];
        stream.write(`${line}\n`);
      }
    },
    end() {
      if (stream.isTTY && last !== '') stream.write('\r\x1b[2K');
      last = '';
    },
  };
}
