//! What hangs on a message: files, things that only look like files (links, shared pages, templates), and one thing that
//! comes under two types. What an address leads to decides whether there is anything to download.

use serde_json::{Map, Value, json};

use super::{cdn::Link, wire};
use crate::{Fields, Kind, MediaKind, MediaRef, MediaState, json};

/// Nobody attaches more to one message.
const MAX: usize = 100;

/// What an attachment is by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// A file, whatever its address.
    File(MediaKind),
    /// Something of the network: a file, unless its address leads to a page.
    Shared(MediaKind),
    /// A file only where its address is one of Meta's files.
    Link,
    Mention,
    Template,
    Place,
    Heart,
    /// Nothing that we know of.
    Other,
}

impl Sort {
    fn of(kind: &str) -> Self {
        match kind {
            "image" | "animated_image" => Self::File(MediaKind::Image),
            "audio" => Self::File(MediaKind::Audio),
            "video" => Self::File(MediaKind::Video),
            "file" => Self::File(MediaKind::Document),
            "sticker" => Self::File(MediaKind::Sticker),
            "reel" | "ig_reel" => Self::Shared(MediaKind::Video),
            "ig_post" | "ig_story" => Self::Shared(MediaKind::Image),
            "share" | "post" | "media_share" | "xma" | "fallback" => Self::Link,
            "story_mention" => Self::Mention,
            "template" => Self::Template,
            "location" => Self::Place,
            "like_heart" => Self::Heart,
            _ => Self::Other,
        }
    }
}

/// One attachment.
#[derive(Clone, Copy)]
struct One<'a> {
    value: &'a Value,
    name: &'a str,
    sort: Sort,
}

impl<'a> One<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        let name = value.get("type")?.as_str()?;
        Some(Self { value, name, sort: Sort::of(name) })
    }

    /// Older link shares have their members beside the type.
    fn part(&self) -> &'a Value {
        json::object(self.value, "payload").unwrap_or(self.value)
    }

    fn url(&self) -> Option<String> {
        // A story that was passed on names its address apart.
        let of_part = ["url", "story_media_url"].iter().find_map(|name| wire::address(self.part(), name));
        of_part.or_else(|| wire::address(self.value, "url"))
    }

    fn title(&self) -> Option<String> {
        json::text(self.part(), "title").or_else(|| json::text(self.value, "title"))
    }

    fn sticker(&self) -> Option<String> {
        wire::id(self.part(), "sticker_id")
    }

    /// The same thing told less exactly.
    fn is_coarser_than(&self, other: &Self) -> bool {
        let fine = match self.name {
            "image" => &["sticker"][..],
            "share" | "media_share" => &["ig_post", "ig_reel", "reel", "post", "ig_story"],
            "video" => &["ig_reel", "reel"],
            "ig_post" => &["ig_reel"],
            _ => &[],
        };
        fine.contains(&other.name)
    }

    /// The file, if there is one to be had.
    fn file(&self) -> Option<MediaRef> {
        let link = self.url().as_deref().and_then(Link::of);
        let kind = match (self.sort, &link) {
            (Sort::File(MediaKind::Image), _) if self.sticker().is_some() => MediaKind::Sticker,
            (Sort::File(kind), _) => kind,
            (Sort::Mention, _) => MediaKind::Image,
            (Sort::Shared(kind), Some(link)) if !link.is_page() => kind,
            (Sort::Link, Some(link)) if link.is_file() && self.name != "fallback" => MediaKind::Image,
            (Sort::Other, Some(link)) if link.is_file() => MediaKind::Document,
            _ => return None,
        };
        let name = link.as_ref().filter(|_| kind == MediaKind::Document).and_then(Link::name);
        Some(MediaRef {
            kind,
            mime: None,
            name,
            size: None,
            state: if link.is_some() { MediaState::Ready } else { MediaState::Unavailable },
            reference: link.map_or(Value::Null, |link| link.reference()),
        })
    }
}

/// The attachments of a message, each thing once.
pub(super) struct Attachments<'a>(Vec<One<'a>>);

impl<'a> Attachments<'a> {
    pub(super) fn of(message: &'a Value) -> Self {
        let all: Vec<_> = json::list(message, "attachments").iter().take(MAX).filter_map(One::of).collect();
        let urls: Vec<_> = all.iter().map(One::url).collect();
        let is_same = |a: usize, b: usize| {
            let stickers = (all[a].sticker(), all[b].sticker());
            (urls[a].is_some() && urls[a] == urls[b]) || (stickers.0.is_some() && stickers.0 == stickers.1)
        };
        let count = |name: &str| all.iter().filter(|one| one.name == name).count();
        let has_better = |at: usize| {
            (0..all.len()).filter(|other| *other != at).any(|other| {
                let is_coarser = all[at].is_coarser_than(&all[other]);
                // Neither a picture is sent beside a sticker, nor another post beside a shared one.
                let are_a_pair = is_coarser
                    && count(all[at].name) == 1
                    && count(all[other].name) == 1
                    && all[at].name != "video";
                let is_first = at < other || all[other].is_coarser_than(&all[at]);
                are_a_pair || (is_same(at, other) && (is_coarser || !is_first))
            })
        };
        Self((0..all.len()).filter(|at| !has_better(*at)).map(|at| all[at]).collect())
    }

    /// The kind that they give to the message; nothing: its text does.
    pub(super) fn kind(&self) -> Option<Kind> {
        if let Some(file) = self.0.iter().find_map(One::file) {
            return Some(match file.kind {
                MediaKind::Image => Kind::Image,
                MediaKind::Audio => Kind::Audio,
                MediaKind::Voice => Kind::Voice,
                MediaKind::Video => Kind::Video,
                MediaKind::Document => Kind::Document,
                MediaKind::Sticker => Kind::Sticker,
            });
        }
        self.0.iter().find_map(|one| match one.sort {
            Sort::Place if place(one).is_some() => Some(Kind::Location),
            Sort::Heart => Some(Kind::Sticker),
            Sort::Shared(_) | Sort::Link | Sort::Other if one.url().is_some() || one.title().is_some() => {
                Some(Kind::Text)
            }
            Sort::Template => Some(Kind::Text),
            _ => None,
        })
    }
}

/// Puts the attachments into the event. Its kind is that of [`Attachments::kind`].
pub(super) fn fill(event: &mut Fields, attachments: &Attachments<'_>) {
    let mut links = Vec::new();
    for one in &attachments.0 {
        let is_shared = matches!(one.sort, Sort::Shared(_) | Sort::Link) && one.name != "fallback";
        if is_shared {
            event.set("share", true);
        }
        if matches!(one.sort, Sort::Mention) {
            event.set("story_mention", true);
            let id = wire::id(one.part(), "story_id").or_else(|| wire::id(one.part(), "id"));
            event.set("story", id.map_or_else(|| json!({}), |id| json!({ "id": id })));
        }
        match one.file() {
            Some(file) => {
                event.attach(file);
                if let Some(title) = one.title().filter(|_| is_shared) {
                    event.set("title", title);
                }
            }
            None => describe(event, one, &mut links),
        }
    }
    if !links.is_empty() {
        event.set("links", links);
    }
}

/// What there is to say of an attachment without a file.
fn describe(event: &mut Fields, one: &One<'_>, links: &mut Vec<Value>) {
    match one.sort {
        Sort::Place => {
            if let Some((latitude, longitude)) = place(one) {
                event.set("latitude", latitude);
                event.set("longitude", longitude);
            }
            if let Some(title) = one.title() {
                event.set("title", title);
            }
        }
        Sort::Heart => event.emoji = Some("❤️".to_owned()),
        Sort::Template => template(event, one),
        _ => {
            if let Some(url) = one.url() {
                let text = one.title().unwrap_or_else(|| url.clone());
                links.push(json!({ "text": text, "url": url }));
            }
            match one.title() {
                Some(title) => event.set("title", title),
                None if one.url().is_none() => event.set("unsupported_type", one.name),
                None => {}
            }
        }
    }
}

/// Our own structured messages in their echoes, and products of the shop that a customer asks about.
fn template(event: &mut Fields, one: &One<'_>) {
    const MAX_ELEMENTS: usize = 10;
    let part = one.part();
    let product = json::object(part, "product").unwrap_or(part);
    let elements = json::list(product, "elements")
        .iter()
        .chain(json::list(json::object(part, "generic").unwrap_or(&Value::Null), "elements"));
    let elements: Vec<Value> = elements
        .take(MAX_ELEMENTS)
        .filter_map(|element| {
            let mut told = Map::new();
            for name in ["id", "title", "subtitle"] {
                if let Some(word) = wire::id(element, name).or_else(|| json::text(element, name)) {
                    told.insert(name.into(), word.into());
                }
            }
            (!told.is_empty()).then_some(Value::Object(told))
        })
        .collect();
    if event.text.is_none() {
        event.text = json::text(part, "text");
    }
    let mut told = Map::new();
    if let Some(kind) = json::text(part, "template_type") {
        told.insert("type".into(), kind.into());
    }
    if !elements.is_empty() {
        told.insert("elements".into(), elements.into());
    }
    if let Some(title) = one.title() {
        told.insert("title".into(), title.into());
    }
    event.set("template", told);
}

fn place(one: &One<'_>) -> Option<(f64, f64)> {
    let at = json::object(one.part(), "coordinates")?;
    let longitude = json::number(at, "long").or_else(|| json::number(at, "lng"))?;
    json::number(at, "lat").zip(Some(longitude))
}
