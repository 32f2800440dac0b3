// As much of a WebSocket server as the stub needs: text frames, small ones in, any length out.
import { createHash } from "node:crypto";

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Answers an upgrade; `said` gets each text. Gives what sends one. */
export function accept(request, socket, said, closed) {
  const key = createHash("sha1").update(request.headers["sec-websocket-key"] + guid).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  socket.setNoDelay(true);
  let buffer = Buffer.alloc(0);
  socket.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (let frame = read(buffer); frame; frame = read(buffer)) {
      buffer = buffer.subarray(frame.length);
      if (frame.opcode === 8) return socket.end();
      if (frame.opcode === 1) said(frame.text);
    }
  });
  socket.on("close", closed);
  socket.on("error", closed);
  return (text) => socket.write(framed(Buffer.from(text)));
}

function read(buffer) {
  if (buffer.length < 6) return null;
  let [size, at] = [buffer[1] & 127, 2];
  if (size === 126) {
    if (buffer.length < 8) return null;
    [size, at] = [buffer.readUInt16BE(2), 4];
  } else if (size === 127) {
    if (buffer.length < 14) return null;
    [size, at] = [Number(buffer.readBigUInt64BE(2)), 10];
  }
  if (buffer.length < at + 4 + size) return null;
  const mask = buffer.subarray(at, at + 4);
  const body = Buffer.from(buffer.subarray(at + 4, at + 4 + size)).map((byte, index) => byte ^ mask[index & 3]);
  return { opcode: buffer[0] & 15, text: body.toString(), length: at + 4 + size };
}

function framed(body) {
  const head = body.length < 126 ? Buffer.from([0x81, body.length])
    : body.length < 65_536 ? Buffer.from([0x81, 126, body.length >> 8, body.length & 255])
      : Buffer.concat([Buffer.from([0x81, 127]), bigLength(body.length)]);
  return Buffer.concat([head, body]);
}

function bigLength(length) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
