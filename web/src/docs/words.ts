// The words of the API browser. What the description says is in English.
import type { Language } from "../i18n/text";

const en = {
  title: "HTTP API", nav: "Documentation", socket: "Socket", inbox: "Inbox", find: "Find an operation", none: "No operation has these words",
  parameters: "Parameters", body: "Body", answers: "Answers", required: "required", tryIt: "Try it", send: "Send", sending: "Sending…",
  access: "Access for trying", accessHint: "Kept until this page is closed, and sent to this server only.", kind: "Kind", token: "Access token (Bearer)", key: "API key (X-API-Key)", secret: "Token or key",
  result: "Answer", lost: "No answer came.", fields: "Fields of {type}", badJson: "This is not JSON: {why}", caution: "This changes what is in the installation.", failed: "The description could not be read.", retry: "Try again",
};

const ru: typeof en = {
  title: "HTTP API", nav: "Документация", socket: "Сокет", inbox: "Входящие", find: "Найти операцию", none: "Операции с такими словами нет",
  parameters: "Параметры", body: "Тело запроса", answers: "Ответы", required: "обязательно", tryIt: "Попробовать", send: "Отправить", sending: "Отправляем…",
  access: "Доступ для проб", accessHint: "Хранится, пока открыта страница, и отправляется только этому серверу.", kind: "Вид", token: "Токен доступа (Bearer)", key: "Ключ API (X-API-Key)", secret: "Токен или ключ",
  result: "Ответ", lost: "Ответа нет.", fields: "Поля {type}", badJson: "Это не JSON: {why}", caution: "Это меняет данные установки.", failed: "Не удалось прочитать описание.", retry: "Ещё раз",
};

export type Words = typeof en;
export const words: Record<Language, Words> = { en, ru };
