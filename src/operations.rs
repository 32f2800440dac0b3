//! The table of operations: every operation of the API, declared once. An entry has a name, the kind of its target, the
//! permission it needs, the function that runs it, and a route, a socket method or both. The router, the socket's
//! methods, the OpenAPI description, the socket's document and the page's types are generated from the table.
//!
//! To add one: a function in the file of its noun below, and its entry. CONTRIBUTING.md has the recipe.

mod answer;
mod apps;
mod caller;
mod channel_health;
mod channels;
mod companies;
mod contacts;
mod conversations;
mod describe;
mod docs;
mod documents;
mod entry;
mod events;
mod files;
mod handler;
mod inbox;
mod integration_log;
mod jobs;
mod kinds;
mod known;
mod leads;
mod links;
mod me;
mod media;
mod messages;
mod methods;
mod nodes;
mod on_replica;
mod outside;
mod pairing;
mod people;
mod schemas;
mod search;
mod sign_ins;
mod socket_text;
mod sources;
mod turns;

use axum::Router;
use axum::http::Method;
use axum::routing::get;
use serde_json::json;

pub use caller::{At, Caller};
pub use documents::openapi_json;
use documents::socket_document;
pub(crate) use entry::Call;
pub(crate) use methods::{call, name_of};
pub(crate) use turns::MAX_CAPACITY;

use crate::accounts::Permission::{Answer, Manage, Merge, Promote, Read, Respond};
use crate::accounts::Thing::{
    Attachment, Channel, Company, Contact, Conversation, Envelope, File, Link, Turn,
};
use crate::app::AppState;
use crate::http::{follow, leads as handed, session};
use entry::{Operation, act, run};
use handler::handle;
use schemas::{Described, Shape};

/// Gives each entry its name, its tag and its documentation.
macro_rules! entries {
    ($visibility:vis fn $function:ident: $($tag:literal { $($(#[doc = $doc:literal])+ $name:literal => $entry:expr;)+ })+) => {
        $visibility fn $function() -> Vec<Operation> {
            let named = |entry: Operation, name, tag, doc| Operation { name, tag, doc, ..entry };
            vec![$($(named($entry.into(), $name, $tag, concat!($($doc, "\n"),+))),+),+]
        }
    };
}
use entries;

entries! {
    fn of_people:
    "session" {
        /// Sign in with email and password.
        ///
        /// Programs get the refresh token in the answer; browsers (who say an `Origin` or `Sec-Fetch-Site`), and who asks
        /// with `cookie`, get it as a cookie and not in the answer.
        /// 401 `bad_credentials`; 403 `origin` for pages of other sites; 429 after repeated failures, with `Retry-After`.
        "session.sign_in" => handle(Method::POST, "/api/v1/session", session::sign_in, |schemas| Described {
            args: Some(schemas.add::<session::SignIn>()),
            answers: vec![Shape::json(200, schemas.add::<session::Session>())],
            security: Some(json!([{}])),
            ..Described::default()
        });
        /// Sign out: the session's refresh and access tokens end.
        "session.sign_out" => handle(Method::DELETE, "/api/v1/session", session::sign_out, |_| Described {
            answers: vec![Shape::empty(204)],
            security: Some(json!([{}, { "token": [] }])),
            ..Described::default()
        });
        /// Get a new access token.
        ///
        /// The refresh token is taken from the body or from the cookie, and its successor comes the same way. It holds
        /// until its successor is used, so an answer that was lost is asked for again; after that it ends its session:
        /// 401 `refresh_reused`. A session ends in any case some time after the sign-in: 401 `session_over`.
        "session.refresh" => handle(Method::POST, "/api/v1/session/refresh", session::refresh, |schemas| Described {
            args: Some(schemas.add::<session::Refresh>()),
            answers: vec![Shape::json(200, schemas.add::<session::Session>())],
            security: Some(json!([{}])),
            ..Described::default()
        });
        /// The caller: user and tenants.
        "me" => act(me::me).get("/api/v1/me");
    }
    "inbox" {
        /// The conversations of a view, with the feeds' positions as of the same moment.
        "inbox.list" => run(inbox::list).needs(Read).get("/api/v1/inbox").socket();
        /// How many conversations each view holds.
        "inbox.counts" => run(inbox::counts).needs(Read).get("/api/v1/inbox/counts").socket();
        /// Contacts by the beginning of a name or handle, or by either end of a phone number, each with its newest
        /// conversation.
        "contact.find" => run(inbox::find_contacts).needs(Read).get("/api/v1/contacts").socket();
        /// One person: its contacts, ids, conversations and merges, as far as the caller sees them.
        "contact.get" => act(contacts::get).about(Contact).needs(Read).get("/api/v1/contacts/{id}").socket();
        /// Say that a contact is the same person as another. Nothing of either moves, and it can be undone.
        ///
        /// 409 `too_many_contacts`.
        "contact.merge" => run(contacts::merge).about(Contact).needs(Merge)
            .post("/api/v1/contacts/{id}/merge").socket();
        /// Undo a merge, or answer one that waits for a person.
        "contact.split" => run(contacts::split).about(Contact).needs(Merge)
            .post("/api/v1/contacts/{id}/split").socket();
        /// Block a person, or unblock it: nothing is answered or sent meanwhile, and what it writes is kept without notice.
        "contact.block" => run(contacts::block).about(Contact).needs(Answer)
            .post("/api/v1/contacts/{id}/block").socket();
        /// Set the labels of a person.
        "contact.label" => run(known::label_contact).about(Contact).needs(Answer)
            .post("/api/v1/contacts/{id}/labels").socket();
        /// Set what is known of a person: values by the attribute. All of them or none.
        ///
        /// 400 names the attribute whose value has the wrong type or is out of its bounds.
        "contact.set" => run(known::set_values).about(Contact).needs(Answer)
            .post("/api/v1/contacts/{id}/attributes").socket();
        /// Add, change or remove a note about a person. Only people see it.
        "contact.note" => run(known::note).about(Contact).needs(Answer)
            .post("/api/v1/contacts/{id}/notes").socket();
        /// Set the labels of a conversation.
        "conversation.label" => run(known::label_conversation).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/labels").socket();
        /// The labels of a tenant.
        "label.list" => run(known::labels).needs(Read).get("/api/v1/labels");
        /// Make a label, or change one's name and colour.
        ///
        /// 409 `label_exists`, `too_many_labels`.
        "label.put" => run(known::put_label).needs(Manage).post("/api/v1/labels");
        /// Remove a label from the contacts and conversations that have it, and then itself.
        "label.remove" => run(known::remove_label).needs(Manage).delete("/api/v1/labels");
        /// What a tenant wants to know of its contacts.
        "attribute.list" => run(known::attributes).needs(Read).get("/api/v1/attributes");
        /// Make an attribute, or change one's name and rules.
        "attribute.put" => run(known::put_attribute).needs(Manage).post("/api/v1/attributes");
        /// One conversation.
        "conversation.get" => act(conversations::get).about(Conversation).needs(Read)
            .get("/api/v1/conversations/{id}");
        /// The messages of a conversation, by rising `seq`.
        "message.list" => run(messages::list).about(Conversation).needs(Read)
            .get("/api/v1/conversations/{id}/messages");
        /// Send a message to the customer. The caller's `client_id` makes a repetition harmless.
        "message.send" => run(messages::send).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/messages").lenient().socket();
        /// React to a message, or take the reaction back. It is shown at once.
        ///
        /// 409 `not_supported`: the channel's provider has no reactions. One that the provider refuses later is taken back, with
        /// the reason in the message's `data.reaction_refused`.
        "message.react" => run(messages::react).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/reaction").socket();
        /// Send the failed parts of a message again; those that left stay as they are.
        ///
        /// 409 `outcome_unknown`: it may have arrived. `even_unknown` sends it all the same.
        "message.try_again" => run(messages::try_again).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/try-again").socket();
        /// Add a private note, which never leaves.
        "note.add" => run(messages::add_note).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/notes").socket();
        /// Take the conversation: the AI is silent from now on.
        "conversation.take_over" => act(conversations::take_over).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/take-over").socket();
        /// Give the conversation to the AI, which answers what nobody has answered yet.
        "conversation.hand_back" => act(conversations::hand_back).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/hand-back").socket();
        /// Close the conversation. A customer who writes again opens a new one.
        "conversation.close" => act(conversations::close).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/close").socket();
        /// Open a closed conversation again.
        "conversation.reopen" => act(conversations::reopen).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/reopen").socket();
        /// Give the conversation to a colleague, or to nobody in particular.
        "conversation.assign" => run(conversations::assign).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/assign").socket();
        /// Note that the customer wants no messages on the channel, or agreed to them again.
        "conversation.opt_out" => run(conversations::opt_out).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/opt-out").socket();
        /// Note how far the caller has read. The mark moves forward only.
        "conversation.read" => run(conversations::read).about(Conversation).needs(Read)
            .post("/api/v1/conversations/{id}/read").socket();
        /// Tell those who look at the conversation that the caller types.
        "conversation.typing" => act(conversations::typing).about(Conversation).needs(Answer).socket();
        /// "Answer now": ends the gathering of the turn.
        "turn.flush" => act(conversations::flush_turn).about(Conversation).needs(Answer)
            .post("/api/v1/conversations/{id}/flush-turn").socket();
        /// The bytes of an attachment.
        "media.get" => act(media::get).about(Attachment).needs(Read).get("/api/v1/media/{id}");
        /// A small picture of an attachment that has one (`thumbnail`), as JPEG.
        "media.thumbnail" => act(media::thumbnail).about(Attachment).needs(Read).get("/api/v1/media/{id}/thumbnail");
        /// The events of a tenant after a cursor, as the socket's feed has them.
        "event.list" => run(events::list).needs(Read).get("/api/v1/events");
    }
    "files" {
        /// Bring a file in one request: the body is the file, or a form (`multipart/form-data`) with one.
        ///
        /// Up to 5 MiB; a larger one is better brought in pieces (`upload.begin`), which go on where they stopped. The type is
        /// read from the bytes, a picture's position is taken out, and what the conversation's channel does not take is
        /// refused with the field and what to do. The same bytes again are the same file. People who answer may bring files, and
        /// AI workers.
        "file.bring" => handle(Method::POST, "/api/v1/files", files::bring, |schemas| Described {
            in_query: Some(schemas.add::<files::FileQuery>()),
            raw_body: Some("The file, or a form with it"),
            answers: vec![Shape::json(201, schemas.add::<files::FileAnswer>())],
            refuses: Some(&[400, 401, 403, 404, 409, 429]),
            ..Described::default()
        });
        /// Remove a file that no message has.
        ///
        /// 409 `in_use`: a message has it.
        "file.remove" => act(files::remove).about(File).needs(Answer).delete("/api/v1/files/{id}");
        /// Begin to bring a file in pieces. People who answer may, and AI workers.
        ///
        /// 409 `storage_full`; 429: too many uploads are under way. What is not whole after a day is removed.
        "upload.begin" => run(files::begin).needs(Answer).post("/api/v1/uploads");
        /// Where an upload of the caller's stands: `upload.offset` is the next byte that is wanted. HEAD tells it in the header
        /// `Upload-Offset`.
        "upload.get" => handle(Method::GET, "/api/v1/uploads/{upload}", files::look, |schemas| Described {
            in_path: Some("The upload"),
            answers: vec![Shape::json(200, schemas.add::<files::UploadAnswer>())],
            refuses: Some(&[401, 404]),
            ..Described::default()
        });
        /// Go on with an upload: the body is its bytes from `Upload-Offset` (a header) on. With the last byte it is a file.
        ///
        /// What has come stays when the request breaks off. 409 `wrong_offset` with the header that would be right.
        "upload.go_on" => handle(Method::PATCH, "/api/v1/uploads/{upload}", files::go_on, |schemas| Described {
            in_path: Some("The upload"),
            raw_body: Some("The next bytes"),
            answers: vec![Shape::json(200, schemas.add::<files::UploadAnswer>())],
            refuses: Some(&[400, 401, 404, 409]),
            ..Described::default()
        });
        /// Cancel an upload.
        "upload.cancel" => handle(Method::DELETE, "/api/v1/uploads/{upload}", files::cancel, |_| Described {
            in_path: Some("The upload"),
            answers: vec![Shape::empty(204)],
            refuses: Some(&[401, 404]),
            ..Described::default()
        });
        /// The bytes of an uploaded file, for a provider that fetches by itself: the address is signed and over after some
        /// minutes.
        "file.by_address" => handle(Method::GET, "/f/{token}", files::by_address, |_| Described {
            in_path: Some("What the server signed"),
            answers: vec![Shape::of(200, "application/octet-stream").says("The bytes")],
            security: Some(json!([{}])),
            refuses: Some(&[404]),
            ..Described::default()
        });
    }
    "turns" {
        /// Show a piece of the answer to those who look at the conversation; it is not stored.
        "turn.delta" => run(turns::delta).needs(Respond).socket();
        /// Answer the turn.
        "turn.reply" => run(turns::reply).about(Turn).needs(Respond).socket();
        /// Prolong the lease.
        "turn.extend" => run(turns::extend).about(Turn).needs(Respond).socket();
        /// Give the turn to people.
        "turn.handoff" => run(turns::handoff).about(Turn).needs(Respond).socket();
        /// Give the turn back, to be offered again.
        "turn.fail" => run(turns::fail).about(Turn).needs(Respond).socket();
        /// Take so many turns at a time from now on.
        "responder.capacity" => run(turns::capacity).needs(Respond).socket();
    }
    "sources" {
        /// The tracked links of a tenant, newest first.
        "link.list" => run(links::list).needs(Read).get("/api/v1/links");
        /// Make a tracked link: `/l/{code}` of this server opens a chat with the channel, and the first message joins its
        /// source to the contact and the conversation.
        ///
        /// 400 `channel`: no link opens a chat on channels of that kind (mail).
        "link.create" => run(links::create).needs(Promote).post("/api/v1/links");
        /// Change a link: its name, target, text, marks, or whether it is active. Its code stays.
        "link.change" => run(links::change).about(Link).needs(Promote).patch("/api/v1/links/{id}");
        /// Remove a link for good, with its counts. What it led here keeps its source; printed codes lead nowhere.
        "link.remove" => act(links::remove).about(Link).needs(Promote).delete("/api/v1/links/{id}");
        /// A link's address as a QR code.
        "link.qr" => act(links::qr).about(Link).needs(Read).get("/api/v1/links/{id}/qr");
        /// How often people visited a link on each of the last 90 days (UTC) on which anybody did.
        "link.visits" => act(links::visits).about(Link).needs(Read).get("/api/v1/links/{id}/visits");
        /// What led the contact of a conversation here, newest first; the last of it is the first of all.
        "conversation.touches" => act(sources::touches).about(Conversation).needs(Read)
            .get("/api/v1/conversations/{id}/touches").socket();
        /// The spellings of sources, and what is meant by each.
        "source_name.list" => run(sources::names).needs(Read).get("/api/v1/source-names");
        /// Say which name a spelling means, or with null that it stands for itself. What came before keeps its name.
        "source_name.set" => run(sources::set_name).needs(Promote).post("/api/v1/source-names");
        /// Hand in a lead of a landing page.
        ///
        /// With an API key (`tenant` and `source` are needed), or signed with the secret of a landing page:
        /// `X-Hubbub-Source` is its id, `X-Hubbub-Signature` is `t=<Unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">`, for
        /// five minutes. The same lead again is answered 200 with the first one. 429 over the rate of an address.
        "lead.add" => handle(Method::POST, "/api/v1/leads", handed::add, |schemas| {
            let answer = schemas.add::<handed::LeadAnswer>();
            Described {
                args: Some(schemas.add::<crate::growth::lead::NewLead>()),
                answers: vec![
                    Shape::json(201, answer.clone()),
                    Shape::json(200, answer.clone()).says("The first of what came again."),
                    Shape::json(202, answer).says("A program filled in the form: nothing is kept."),
                ],
                ..Described::default()
            }
        });
        /// The leads of a tenant, newest first.
        "lead.list" => run(leads::list).needs(Read).get("/api/v1/leads");
        /// The landing pages that sign their leads.
        "lead_source.list" => run(leads::sources).needs(Promote).get("/api/v1/lead-sources");
        /// Let a landing page sign its leads. The secret is shown this once.
        "lead_source.create" => run(leads::make_source).needs(Promote).post("/api/v1/lead-sources");
        /// Take a landing page's secret away; its leads stay.
        "lead_source.remove" => run(leads::remove_source).needs(Promote).delete("/api/v1/lead-sources");
        /// Where a tracked link leads: to the chat, with a reference that the first message brings back.
        ///
        /// Marks of the visited address (`utm_…`) complete the link's. Programs that make previews, requests with HEAD and
        /// those that only fetch ahead are sent on and not counted. 404, 410 and 429 are pages for people, in English or
        /// Russian.
        "link.follow" => handle(Method::GET, "/l/{code}", follow::follow, |_| Described {
            in_path: Some("The link's code"),
            answers: vec![Shape::empty(302), Shape::of(404, "text/html"), Shape::of(410, "text/html"), Shape::of(429, "text/html")],
            security: Some(json!([{}])),
            refuses: Some(&[]),
            ..Described::default()
        });
    }
    "search" {
        /// Find contacts, conversations, messages and notes of a tenant, the newest first.
        ///
        /// What was found is shown around the first hit, as pieces of text of which some are hits. A message is found within
        /// a second after it came.
        "search.find" => run(search::find).needs(Read).get("/api/v1/search");
    }
    "channels" {
        /// The channels that the caller sees; `hook_path` only where it manages.
        "channel.list" => run(channels::list).needs(Read).get("/api/v1/channels");
        /// The kinds of channels that this server knows: what each needs to be connected, can do and takes.
        "channel.kinds" => act(kinds::list).needs(Read).get("/api/v1/channels/kinds");
        /// Add a channel. Connect it afterwards, so that the provider delivers.
        ///
        /// 409 `account_taken`: another channel has the account.
        "channel.create" => run(channels::create).needs(Manage).post("/api/v1/channels");
        /// Change a channel's name, state, settings or credentials.
        ///
        /// Another address or account (`base_url`, `session`, `api_base`) needs the channel's secrets again, and makes a
        /// new webhook secret: connect it afterwards. 409 `account_taken`: another channel has the account; `other_account`: the
        /// credentials are of another account than the channel was connected with, and the call does not say `other_account`.
        "channel.update" => run(channels::update).about(Channel).needs(Manage).patch("/api/v1/channels/{id}");
        /// Prove the credentials and make the provider deliver to this server.
        ///
        /// 409 `connect_failed` with the provider's reason; `bad_settings`: the channel's credentials are not whole, as after it was
        /// disconnected; `not_now`: the provider says that it cannot at the moment; `not_reached`, `not_answered`: the provider said nothing, so nothing
        /// is known to be wrong; `account_taken`: another channel has the account.
        "channel.connect" => act(channels::connect).about(Channel).needs(Manage)
            .post("/api/v1/channels/{id}/connect");
        /// Pair a channel's account with a phone.
        ///
        /// The codes come to the room `pairing:{channel}` as the provider refreshes them, for whoever manages the channel and
        /// has subscribed; the pairing ends when nobody has for ten seconds. 409 `pairing_busy`: another account is being
        /// paired on the same server; `no_pairing`: the provider's accounts are not paired.
        "channel.pair" => run(pairing::pair).about(Channel).needs(Manage).post("/api/v1/channels/{id}/pair");
        /// Disconnect a channel: nothing comes or leaves any more, and the provider is told, again and again if it does not
        /// answer. Its conversations stay. Connecting it makes it go on.
        "channel.disconnect" => act(channels::disconnect).about(Channel).needs(Manage)
            .post("/api/v1/channels/{id}/disconnect");
        /// Move a channel to another company of its tenant, with all its conversations.
        ///
        /// The caller manages both companies. Who sees only the old one sees nothing of the channel any more, and who sees
        /// only the new one sees all of it; the connections of both begin anew, without recovery.
        "channel.move" => run(channels::move_to).about(Channel).needs(Manage).post("/api/v1/channels/{id}/move");
        /// How a channel is, and how it fared: each change of its health, newest first.
        "channel.health" => run(channel_health::health).about(Channel).needs(Read)
            .get("/api/v1/channels/{id}/health");
        /// The templates of a channel, as its provider has them now.
        ///
        /// 409 `not_supported`: the provider has none; `provider_refused`, `unreachable`: it did not tell, and never has.
        "channel.templates" => act(channels::templates).about(Channel).needs(Answer)
            .get("/api/v1/channels/{id}/templates");
    }
    "sign-ins" {
        /// Begin to connect an account by signing in at its provider: where the browser goes.
        "sign_in.begin" => run(sign_ins::begin).needs(Manage).post("/api/v1/sign-ins");
        /// Exchange what the provider brought back for the accounts that may be connected.
        ///
        /// Only by the person who began. 409 `sign_in_over`, `sign_in_of_another`, `no_accounts`, `connect_failed` with the provider's reason;
        /// `not_reached`: the code is unused, ask again; `not_answered`: nobody knows whether it was used, begin again.
        "sign_in.finish" => run(sign_ins::finish).needs(Manage).post("/api/v1/sign-ins/finish");
        /// Connect one of the accounts, as a new channel or as the channel that is connected anew.
        ///
        /// Only by the person who began. 409 `account_taken`: another channel has the account; `other_account`: the channel that
        /// is connected anew has had another one, and its conversations are with that one's customers: add a channel.
        "sign_in.choose" => run(sign_ins::choose).needs(Manage).post("/api/v1/sign-ins/choose");
        /// Where a provider sends the browser back to: opens the page, which finishes.
        "sign_in.come_back" => handle(Method::GET, "/connect/{kind}", sign_ins::come_back, |_| Described {
            in_path: Some("The provider"),
            answers: vec![Shape::empty(302)],
            security: Some(json!([{}])),
            refuses: Some(&[404]),
            ..Described::default()
        });
    }
    "companies" {
        /// The companies that the caller sees.
        "company.list" => run(companies::list).needs(Read).get("/api/v1/companies");
        /// Make a company.
        "company.create" => run(companies::create).needs(Manage).post("/api/v1/companies");
        /// Change a company.
        "company.update" => run(companies::update).about(Company).needs(Manage).patch("/api/v1/companies/{id}");
        /// The privacy notice of a company.
        "company.notice" => act(companies::notice).about(Company).needs(Read).get("/api/v1/companies/{id}/privacy-notice");
        /// Write the privacy notice of a company: every customer is told it once on each channel, before the first answer.
        "company.set_notice" => run(companies::set_notice).about(Company).needs(Manage)
            .post("/api/v1/companies/{id}/privacy-notice");
    }
    "users" {
        /// Who works in a tenant.
        "user.list" => run(people::list).needs(Read).get("/api/v1/users");
    }
    "integration log" {
        /// What providers posted, newest first.
        "integration_log.list" => run(integration_log::list).needs(Manage).get("/api/v1/integration-log");
        /// Read a stored body once more, after a fix. What was taken in before is recognised and not taken twice.
        "integration_log.replay" => act(integration_log::replay).about(Envelope).needs(Manage)
            .post("/api/v1/integration-log/{id}/replay");
    }
}

/// All entries.
fn table() -> Vec<Operation> {
    let mut all = of_people();
    all.extend(outside::of_others());
    all
}

/// The routes of the table, and the documentation pages.
pub(crate) fn routes() -> Router<AppState> {
    let routes = table().into_iter().filter_map(|operation| operation.route);
    routes
        .fold(Router::new(), |router, route| router.route(route.path, route.router))
        .route("/docs", get(docs::browser))
        .route("/docs/socket", get(async || docs::text("Hubbub socket", socket_document())))
}

/// The names of the socket's methods.
pub fn methods() -> Vec<&'static str> {
    table().iter().filter(|operation| operation.method.is_some()).map(|operation| operation.name).collect()
}

/// The size of a page: `asked` or the default, between 1 and `most`.
fn page_size(asked: Option<i64>, usual: i64, most: i64) -> i64 {
    asked.unwrap_or(usual).clamp(1, most)
}

#[cfg(test)]
mod tests;
