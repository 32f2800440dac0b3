import { describe, expect, it } from "vitest";
import { makeText } from "../i18n/text";
import { pageLeft } from "../services/uploads";
import { notTaken } from "./attach_words";

const [en, ru] = [makeText("en"), makeText("ru")];

describe("a file that is not taken", () => {
  it("says the limit, and the way as a document where there is one", () => {
    const photo = "file: telegram takes a file of this kind (image) up to 10 MiB: send it as a document";
    expect(notTaken(en, photo)).toEqual({ words: "Photo: the channel takes up to 10 MiB. It can go as a document.", asDocument: true });
    expect(notTaken(ru, photo).words).toBe("Фото: канал принимает до 10 МиБ. Его можно отправить документом.");
    const video = "file: messenger takes a file of this kind (video) up to 25 MiB: make it smaller, or send a link to it";
    expect(notTaken(en, video)).toEqual({ words: "Video: the channel takes up to 25 MiB. Make it smaller, or send a link to it.", asDocument: false });
  });

  it("says what to convert it to, and what else is in the way", () => {
    expect(notTaken(ru, "file: instagram does not take application/zip: convert it to image/jpeg or image/png").words)
      .toBe("Канал не принимает ZIP. Преобразуйте файл в JPEG, PNG.");
    expect(notTaken(ru, "file: instagram fetches files from this server, which has no public address: ask").words).toContain("public_url");
    expect(notTaken(ru, "size: gmail takes files up to 23 MiB: make it smaller, or send a link to it").words).toContain("до 23 МиБ");
    expect(notTaken(ru, "body: the file is empty: choose another one").words).toBe("Файл пуст. Выберите другой.");
    expect(notTaken(en, pageLeft).words).toContain("Attach it once more");
    expect(notTaken(en, "something new").words).toBe("Not taken: something new");
  });
});
