// Слова о файлах в поле ввода.
import type { enFiles } from "./en_files";

export const ruFiles: Record<keyof typeof enFiles, string> = {
  "attach.add": "Прикрепить файлы",
  "attach.list": "Файлы к отправке",
  "attach.record": "Записать голосовое сообщение",
  "attach.recording": "Запись, {time}",
  "attach.recordStop": "Остановить и прикрепить",
  "attach.recordCancel": "Удалить запись",
  "attach.recordDenied": "Браузер не даёт странице доступ к микрофону. Разрешите его в настройках сайта.",
  "attach.recordUnfit": "Этот браузер записывает в формате, который не принимает ни один канал. Прикрепите готовый файл.",
  "attach.recordUnsafe": "Браузеры записывают звук только на страницах с https. Откройте страницу по адресу с https или прикрепите готовый файл.",
  "attach.uploading": "{done} из {size}",
  "attach.waiting": "Ждём связи, {done} из {size}",
  "attach.ready": "{size}",
  "attach.failed": "Не принят: {reason}",
  "attach.pageLeft": "Страницу перезагрузили раньше, чем файл загрузился целиком. Прикрепите его ещё раз.",
  "attach.tooBig": "{kind}: канал принимает до {most} МиБ. Уменьшите файл или пришлите ссылку на него.",
  "attach.tooBigAsThat": "{kind}: канал принимает до {most} МиБ. Его можно отправить документом.",
  "attach.asDocument": "Отправить документом",
  "attach.unfit": "Канал не принимает {type}. Преобразуйте файл в {types}.",
  "attach.noAddress": "Этот канал забирает файлы с сервера, а у того нет публичного адреса: администратор должен задать public_url.",
  "attach.inTheWay": "Уберите файлы, которые не приняты, и отправляйте.",
  "attach.cancel": "Убрать {name}",
  "attach.tooMany": "В одном сообщении не больше {most} файлов.",
  "attach.notForNotes": "Файлы отправляют в сообщениях, не в заметках.",
  "attach.drop": "Отпустите файлы, чтобы прикрепить их",
};
