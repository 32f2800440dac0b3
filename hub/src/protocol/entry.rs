//! One thing to hand out in a room. It is encoded once per form, when the first receiver of that form turns up,
//! and the bytes are shared by all who get it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    form::Form,
    json, protobuf,
    push::{self, Data},
};
use crate::log::{ClientInfo, Filter, Publication};

#[derive(Clone)]
pub(crate) struct Entry {
    /// Position in the room's log; 0 for what is not in it.
    pub(crate) offset: u64,
    /// A join or leave, which only those see who asked for them.
    pub(crate) announcement: bool,
    shared: Arc<Shared>,
}

struct Shared {
    room: Arc<str>,
    what: What,
    json: OnceLock<Json>,
    protobuf: OnceLock<Bytes>,
}

enum What {
    Publication(Publication),
    Join(Arc<ClientInfo>),
    Leave(Arc<ClientInfo>),
}

struct Json {
    /// The whole push.
    frame: Bytes,
    /// Where in it the publication object stands.
    body: (u32, u32),
}

impl Entry {
    /// Data that is no JSON becomes null: the offset must go out all the same, or the room would wait for it.
    pub(crate) fn publication(room: impl Into<Arc<str>>, mut publication: Publication) -> Self {
        let room = room.into();
        let data = std::mem::take(&mut publication.data);
        publication.data = json::clean(data).unwrap_or_else(|| {
            tracing::error!(%room, offset = publication.offset, "publication is not JSON, null is sent");
            Bytes::from_static(b"null")
        });
        let offset = publication.offset;
        Entry::new(room, offset, What::Publication(publication))
    }

    pub(crate) fn all(room: &Arc<str>, publications: Vec<Publication>) -> Vec<Self> {
        publications.into_iter().map(|p| Entry::publication(Arc::clone(room), p)).collect()
    }

    pub(crate) fn join(room: &Arc<str>, who: Arc<ClientInfo>) -> Self {
        Entry::new(Arc::clone(room), 0, What::Join(who))
    }

    pub(crate) fn leave(room: &Arc<str>, who: Arc<ClientInfo>) -> Self {
        Entry::new(Arc::clone(room), 0, What::Leave(who))
    }

    fn new(room: Arc<str>, offset: u64, what: What) -> Self {
        let announcement = !matches!(what, What::Publication(_));
        let shared = Shared { room, what, json: OnceLock::new(), protobuf: OnceLock::new() };
        Entry { offset, announcement, shared: Arc::new(shared) }
    }

    /// The whole push, for sessions of this form.
    pub(crate) fn frame(&self, form: Form) -> &Bytes {
        match form {
            Form::Json => &self.shared.json().frame,
            Form::Protobuf => self.shared.protobuf(),
        }
    }

    /// The publication object alone as JSON, for replies.
    pub(crate) fn body(&self) -> &[u8] {
        let Json { frame, body } = self.shared.json();
        &frame[body.0 as usize..body.1 as usize]
    }

    /// The same for those who agreed on deltas.
    pub(crate) fn text_body(&self) -> Bytes {
        let Some(publication) = self.source() else { return Bytes::new() };
        let (frame, body) = push::publication(&self.shared.room, publication, Data::Text);
        frame.slice(body)
    }

    /// The whole push for those who agreed on deltas: with one, or with all that it says.
    pub(crate) fn delta_frame(&self, form: Form, delta: Option<&Bytes>) -> Bytes {
        let (Some(publication), room) = (self.source(), &self.shared.room) else {
            return self.frame(form).clone();
        };
        match (form, delta) {
            (Form::Json, delta) => {
                let data = delta.map_or(Data::Text, |delta| Data::Delta(delta));
                push::publication(room, publication, data).0
            }
            (Form::Protobuf, Some(delta)) => protobuf::delta(room, publication, delta),
            (Form::Protobuf, None) => self.frame(form).clone(),
        }
    }

    /// The publication, if it is one.
    pub(crate) fn source(&self) -> Option<&Publication> {
        match &self.shared.what {
            What::Publication(publication) => Some(publication),
            What::Join(_) | What::Leave(_) => None,
        }
    }

    /// Of what it says.
    pub(crate) fn bytes(&self) -> usize {
        self.source().map_or(0, |publication| publication.data.len())
    }

    pub(crate) fn says_the_same(&self, other: &Entry) -> bool {
        let data = |entry: &Entry| entry.source().map(|publication| publication.data.clone());
        data(self) == data(other)
    }

    /// What it costs to keep, both its forms included, whether they are made already or not.
    pub(crate) fn cost(&self) -> usize {
        let content = self.source().map_or(0, Publication::bytes) + self.shared.room.len();
        3 * content + size_of::<Entry>() + size_of::<Shared>()
    }

    /// A filter that panics hides the entry from its subscriber and harms nobody else.
    pub(crate) fn passes(&self, filter: Option<&Filter>) -> bool {
        let (Some(filter), Some(publication)) = (filter, self.source()) else { return true };
        let verdict = std::panic::AssertUnwindSafe(|| filter(&publication.tags));
        std::panic::catch_unwind(verdict).unwrap_or(false)
    }
}

impl Shared {
    fn json(&self) -> &Json {
        self.json.get_or_init(|| match &self.what {
            What::Publication(publication) => {
                let (frame, body) = push::publication(&self.room, publication, Data::Value);
                Json { frame, body: (body.start as u32, body.end as u32) }
            }
            What::Join(who) => Json { frame: push::join(&self.room, who), body: (0, 0) },
            What::Leave(who) => Json { frame: push::leave(&self.room, who), body: (0, 0) },
        })
    }

    fn protobuf(&self) -> &Bytes {
        self.protobuf.get_or_init(|| match &self.what {
            What::Publication(publication) => protobuf::publication(&self.room, publication),
            What::Join(who) => protobuf::join(&self.room, who),
            What::Leave(who) => protobuf::leave(&self.room, who),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_encoded_once_and_shared() {
        let data = Bytes::from_static(b"{\"a\":1}");
        let entry = Entry::publication("room", Publication { offset: 1, data, ..Publication::default() });
        let twin = entry.clone();
        for form in [Form::Json, Form::Protobuf] {
            assert_eq!(entry.frame(form).as_ptr(), twin.frame(form).as_ptr());
        }
        assert_ne!(entry.frame(Form::Json), entry.frame(Form::Protobuf));
    }
}
