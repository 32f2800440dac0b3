// A picture (PNG) of so many pixels, whose bytes do not compress and are other ones each time.
import { randomBytes } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";

export function picture(width, height) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits of red, green and blue.
  head.set([8, 2, 0, 0, 0], 8);
  const line = width * 3 + 1;
  const pixels = randomBytes(line * height);
  for (let row = 0; row < height; row += 1) pixels[row * line] = 0;
  const parts = [["IHDR", head], ["IDAT", deflateSync(pixels)], ["IEND", Buffer.alloc(0)]];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts.map(([name, data]) => chunk(name, data))]);
}

function chunk(name, data) {
  const named = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length, 0);
  around.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([around.subarray(0, 4), named, around.subarray(4)]);
}
