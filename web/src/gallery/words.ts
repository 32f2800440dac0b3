// The words of the gallery alone. They name made-up things at a length that real ones have.
import type { Language } from "../i18n/text";

const en = {
  title: "Parts of the page", lead: "Every part in every state, by keys and by touch, in both languages and directions.", dir: "Direction", back: "Inbox",
  buttons: "Buttons", plain: "Plain", primary: "Primary", quiet: "Quiet", danger: "Remove", busy: "Working", off: "Disabled", small: "Small", link: "A link", picture: "More", long: "Connect the channel to the provider and check its settings",
  form: "Form", name: "Name of the channel", nameHint: "Colleagues see it in the list.", email: "Email", kind: "Kind", product: "Product", service: "Service with appointments", note: "Note", noteHint: "At most 500 characters.", agree: "Send the customer a copy", agreeHint: "Once for each answer.", save: "Save", done: "Saved.", refused: "A channel of this name is there already.", disabledField: "Cannot be changed", password: "Token", show: "Show", wrong: "This is not an address of the provider.", refuse: "Let the server refuse the name", trouble: "Let the server refuse the whole",
  toggles: "Switches", answers: "The AI answers this channel", answersHint: "Takes effect at once.", locked: "Locked by the plan",
  dates: "Dates", day: "Day", moment: "Moment", range: "Period", combobox: "Combobox", person: "Colleague", personHint: "Type a part of the name.", namesake: "owner of another business",
  dialogs: "Dialogs", open: "Open a dialog", openLong: "Open a long one", ask: "Ask before removing", removeTitle: "Remove the channel?", removeHint: "Its conversations stay; nothing more comes in by it. This cannot be undone.", removeAct: "Remove channel", dialogTitle: "Working hours of the AI", dialogHint: "Outside of them people answer.", line: "A line of a long text that does not fit on a small screen, so that it scrolls inside the dialog.",
  menus: "Menus", actions: "Actions", take: "Take over", copy: "Copy the link", api: "API description", order: "Order", newest: "Newest first", oldest: "Longest wait first", forbidden: "Not allowed here",
  tabs: "Tabs", open1: "Open", closed: "Closed", all: "All", panel: "What the tab “{tab}” shows.",
  table: "Table", channel: "Channel", state: "State", waiting: "Waiting", ok: "Works", down: "Does not work since yesterday", none: "No channels yet", noneHint: "Connect the first one, and its conversations appear in the inbox.", make: "Connect a channel", tableEmpty: "Without rows", tableBusy: "While being read again",
  states: "States", failedReason: "The server does not answer. Check your connection.",
};

const ru: typeof en = {
  title: "Части страницы", lead: "Каждая часть в каждом состоянии: с клавиатуры и пальцем, на обоих языках и в обе стороны.", dir: "Направление", back: "Входящие",
  buttons: "Кнопки", plain: "Обычная", primary: "Главная", quiet: "Тихая", danger: "Удалить", busy: "Выполняется", off: "Недоступна", small: "Маленькая", link: "Ссылка", picture: "Ещё", long: "Подключить канал к провайдеру и проверить его настройки",
  form: "Форма", name: "Название канала", nameHint: "Коллеги видят его в списке.", email: "Электронная почта", kind: "Вид", product: "Товары", service: "Услуги по предварительной записи", note: "Заметка", noteHint: "Не больше 500 знаков.", agree: "Отправлять копию клиенту", agreeHint: "Один раз на каждый ответ.", save: "Сохранить", done: "Сохранено.", refused: "Канал с таким названием уже есть.", disabledField: "Изменить нельзя", password: "Токен", show: "Показать", wrong: "Это не адрес провайдера.", refuse: "Пусть сервер отклонит название", trouble: "Пусть сервер отклонит всё",
  toggles: "Переключатели", answers: "В этом канале отвечает ИИ", answersHint: "Действует сразу.", locked: "Недоступно по тарифу",
  dates: "Даты", day: "День", moment: "Момент", range: "Период", combobox: "Поиск в списке", person: "Коллега", personHint: "Наберите часть имени.", namesake: "владелец другого бизнеса",
  dialogs: "Диалоги", open: "Открыть диалог", openLong: "Открыть длинный", ask: "Спросить перед удалением", removeTitle: "Удалить канал?", removeHint: "Беседы останутся, но новых сообщений через него не будет. Отменить это нельзя.", removeAct: "Удалить канал", dialogTitle: "Рабочее время ИИ", dialogHint: "В остальное время отвечают люди.", line: "Строка длинного текста, который не помещается на маленьком экране и поэтому прокручивается внутри диалога.",
  menus: "Меню", actions: "Действия", take: "Взять на себя", copy: "Скопировать ссылку", api: "Описание API", order: "Порядок", newest: "Сначала новые", oldest: "Сначала долго ждущие", forbidden: "Здесь недоступно",
  tabs: "Вкладки", open1: "Открытые", closed: "Закрытые", all: "Все", panel: "Содержимое вкладки «{tab}».",
  table: "Таблица", channel: "Канал", state: "Состояние", waiting: "Ожидают", ok: "Работает", down: "Не работает со вчерашнего дня", none: "Каналов пока нет", noneHint: "Подключите первый, и его беседы появятся во входящих.", make: "Подключить канал", tableEmpty: "Без строк", tableBusy: "Во время повторного чтения",
  states: "Состояния", failedReason: "Сервер не отвечает. Проверьте соединение.",
};

export type Words = typeof en;
export const words: Record<Language, Words> = { en, ru };
