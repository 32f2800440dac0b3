//! The filled tables, and the columns of a row, in order. Other columns keep their default.

/// The version of the schema that these columns belong to: the newest row of `migrations`.
pub(crate) const SCHEMA: i64 = 18;

macro_rules! tables {
    ($($name:ident = $table:literal ($columns:literal);)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Table { $($name),* }

        impl Table {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => $table),* }
            }

            /// Column names, separated by commas.
            pub(crate) const fn columns(self) -> &'static str {
                match self { $(Self::$name => $columns),* }
            }
        }
    };
}

tables! {
    Tenants = "tenants" ("id, name, next_cursor, created_at");
    Companies = "companies" ("id, tenant, name, kind, created_at");
    Users = "users" ("id, email, name, password_hash, platform_role, active, created_at, rights_at");
    Memberships = "memberships" ("tenant, user_id, role, companies, created_at");
    Keys = "api_keys" ("tenant, id, name, role, hint, created_at");
    Digests = "key_digests" ("digest, tenant, api_key");
    Paths = "hook_paths" ("token, tenant, channel");
    Sessions = "sessions" ("id, user_id, started_at, expires_at, generation, renewals");
    Tokens = "refresh_tokens" ("id, family, user_id, digest, expires_at, created_at");
    Channels = "channels"
        ("id, tenant, company, kind, name, state, hook_token, sealed, settings, health, created_at, updated_at");
    Contacts = "contacts"
        ("id, tenant, name, handle, created_at, updated_at, merged_into, has_merged, labels");
    Identities = "identities" ("channel, external_id, contact, tenant, created_at");
    Terms = "contact_terms" ("tenant, term, contact");
    Conversations = "conversations" ("id, tenant, company, channel, contact, external_id, is_group, state, owner, \
        epoch, assignee, handoff_reason, last_seq, inbound_count, last_message, opened_at, updated_at, closed_at, \
        waiting_since, bucket, labels, source");
    Tallies = "tallies" ("tenant, channel, bucket, assignee, amount");
    Messages = "messages" ("id, tenant, conversation, channel, seq, direction, kind, text, author_kind, author_id, \
        author_name, client_id, client_digest, external_key, external_id, status, error_code, error_reason, \
        provider_at, created_at, turn, reactions, inbound_count");
    Deliveries = "deliveries" ("id, tenant, channel, conversation, message, part, parts, payload, state, \
        external_key, external_id, tries, error_code, error_reason, created_at, updated_at");
    Attempts = "attempts" ("id, tenant, delivery, started_at, finished_at, outcome, code, reason");
    Turns = "turns" ("id, tenant, company, channel, conversation, state, epoch, first_seq, last_seq, message_count, \
        window_at, due_at, attempt, supersedes, lease, lease_until, reason, opened_at, closed_at");
    Envelopes = "envelopes" ("id, tenant, channel, body, outcome, events, received_at");
    Pending = "pending_changes" ("id, tenant, channel, target_key, event, created_at");
    Waiting = "waiting_changes" ("tenant, channel, amount");
    Reads = "reads" ("tenant, conversation, user_id, seq, inbound_count, updated_at");
    Events = "events" ("tenant, cursor_at, kind, company, channel, user_id, created_at, data");
    Jobs = "jobs" ("id, tenant, queue, class, lane, kind, subject, payload, position, run_at, tries, created_at, state");
    Queues = "queues" ("id, class, tenant, waiting, running, dead, next_at, failures, blocked_until, reason");
    Labels = "labels" ("tenant, id, name, colour, created_at");
    ContactLabels = "contact_labels" ("tenant, label, contact");
    ConversationLabels = "conversation_labels" ("tenant, label, conversation");
    Labelled = "labelled" ("tenant, label, conversation, contact, channel, bucket, assignee, updated_at, waiting_since");
    Attributes = "attributes" ("tenant, id, name, kind, rules, created_at");
    ContactAttributes = "contact_attributes" ("tenant, contact, attribute, value, updated_at, author_name");
    Notes = "contact_notes" ("tenant, id, contact, text, author_name, created_at");
    Words = "contact_words" ("tenant, term, contact");
    Merges = "contact_merges"
        ("tenant, id, contact, into_contact, kind, state, author, created_at, decided_at");
    LinkCodes = "link_codes" ("code, tenant, link");
    Links = "links"
        ("tenant, id, channel, code, name, target, utm, active, visits, chats, visited_at, created_at, updated_at");
    Visits = "visits" ("tenant, link, day, amount");
    Clicks = "clicks" ("tenant, reference, link, channel, utm, clicked_at, used_at");
    Touches = "touches" ("tenant, id, contact, channel, conversation, kind, touch_key, message_key, reference, \
        link, source, at");
    Leads = "leads" ("tenant, id, company, source, external_id, digest, name, email, phone, fields, utm, \
        click_ids, consent, consent_at, at");
    Attachments = "attachments" ("tenant, id, message, position, kind, mime, name, size, state, source, path, \
        created_at, file");
    Files = "files" ("tenant, id, sha256, size, mime, name, state, path, created_at, updated_at, unused_since");
    FileUses = "file_uses" ("tenant, file, thing, thing_id");
    Uploads = "uploads" ("tenant, id, caller, conversation, kind, name, mime, size, file, created_at");
    Receipts = "notice_receipts"
        ("tenant, contact, channel, version, company, language, message, created_at");
    Notices = "privacy_notices" ("tenant, company, version, language, texts, created_at");
    Templates = "templates"
        ("tenant, channel, name, language, category, state, components, fetched_at");
    Health = "channel_health" ("tenant, channel, id, at, state, code, detail");
    SignIns = "sign_ins" ("digest, tenant, company, by_user, provider, app, state, expires_at");
    Threads = "threads" ("tenant, channel, chat, thread, title, titled_at");
    Answers = "automatic_answers" ("tenant, channel, address, since_at, amount");
}
