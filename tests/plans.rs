//! Every statement of the store finds what it wants by an index, on tables that have grown: no scan and no sort of
//! something that becomes longer with the age of an installation, but for a few with a reason.

use hubbub::error::Error;
use hubbub::store::{Arg, Engine, Plan, Tx, Verb, statements, statements_of};
use uuid::Uuid;

use crate::keys::TOKENS;
use crate::kit::World;
use crate::on_both;

/// Tables that do not grow with traffic or with age, and why. Every other one does, a new one included.
const STILL: &[(&str, &str)] = &[
    ("api_keys", "made by people"),
    ("apps", "made by operators"),
    ("attributes", "made by people, at most 100 a tenant"),
    ("channel_cursors", "a row for each channel"),
    ("channels", "made by people"),
    ("companies", "made by people"),
    ("consumer_cursors", "a row for each consumer of a tenant"),
    ("history_looks", "a row for each tenant"),
    ("hook_paths", "a row for each channel"),
    ("installation", "one row"),
    ("key_digests", "a row for each API key"),
    ("lead_sources", "made by people, at most 200 of a tenant"),
    ("link_codes", "made by people"),
    ("links", "made by people, at most 2,000 of a tenant"),
    ("labels", "made by people, at most 200 a tenant"),
    ("migrations", "a row for each file"),
    ("nodes", "a row for each server of the last hour"),
    ("privacy_notices", "written by people, a row for each change"),
    ("queues", "a few rows for each channel"),
    ("shared_accounts", "a row or none for each channel"),
    ("sign_ins", "people who sign in at a provider at this moment"),
    ("source_names", "made by people, at most 1,000 of a tenant"),
    ("tallies", "a row for each list of a channel and of a person in it"),
    ("templates", "a provider's list, at most 1,000 of a channel"),
    ("tenants", "made by people"),
    ("waiting_changes", "a row for each channel"),
];

/// Statements that may look at all of something, or sort: the beginning of each, and why it is bounded all the same.
const ALLOWED: &[(&str, &str)] = &[
    ("select d.document from (select tenant, place, block", "sorts what one block has of a token"),
    (
        "select d.id, d.tenant, d.channel, d.conversation, d.message, d.part",
        "the parts of one message or contact",
    ),
    (
        "select u.id, u.name, m.role, u.platform_role from memberships",
        "the people of one tenant, at most 1,000",
    ),
    (
        "select id from jobs where tenant = $1 and queue = $2 and class = $3 and state = 'ready' and run_at > $4",
        "jobs that were tried: the others of a queue that waits were to run before",
    ),
    (
        "select id, reason from turns where tenant = $1 and channel = $2 and due_at > $3",
        "open turns of one paused channel, once when it goes on",
    ),
    ("select u.id, u.name, cast(null as text), u.platform_role from users", "the people of the platform"),
    ("update claims set proved = true where tenant", "the accounts of one channel"),
    ("delete from claims where tenant = $1 and channel", "the accounts of one channel"),
    (
        "select m.tenant, t.name, m.role, m.companies from memberships",
        "the tenants of one person, at most 1,000",
    ),
    (
        "select a.id, a.message, a.kind, a.mime, a.name, a.size, a.state, a.error, a.source, a.path, a.width, a.height, a.file from attachments a join",
        "the files of one page",
    ),
];

const ROWS: i64 = 4_000;
/// The least that is enough for a planner.
const FEW: i64 = 500;
/// Nothing of it is due while the test runs.
const LATER: i64 = 9_000_000_000_000;
/// So many that a planner that multiplies the shares of a tenant and of its channel expects less than a row of both.
const TENANTS: i64 = 100;
const CHANNELS: i64 = 200;

fn id(table: u64, number: i64) -> Uuid {
    Uuid::from_u64_pair(table, number as u64)
}

/// Puts a few thousand rows into each growing table, in shares like those of life.
struct Fill(Engine);

impl Verb for Fill {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let text = |text: &'static str| Arg::from(text);
        let none = Arg::Id(None);
        for n in 0..TENANTS {
            let (tenant, company) = (id(1, n), id(2, n));
            tx.put(
                "insert into tenants (id, name, next_cursor, created_at) values ($1, 'T', 0, 0)",
                &[tenant.into()],
            )
            .await?;
            tx.put("insert into companies (id, tenant, name, kind, created_at) values ($1, $2, 'C', 'product', 0)", &[company.into(), tenant.into()]).await?;
        }
        for n in 0..CHANNELS {
            let token = n.to_string();
            let args = [
                id(3, n).into(),
                id(1, n % TENANTS).into(),
                id(2, n % TENANTS).into(),
                token.as_str().into(),
            ];
            tx.put("insert into channels (id, tenant, company, kind, name, state, hook_token, sealed, settings, created_at, updated_at) \
                values ($1, $2, $3, 'telegram', 'C', 'active', $4, '', '{}', 0, 0)", &args).await?;
        }
        for n in 0..ROWS {
            let (channel, tenant, company) = (id(3, n % CHANNELS), id(1, n % TENANTS), id(2, n % TENANTS));
            let (contact, conversation, message, number) = (id(5, n), id(6, n), id(7, n), n.to_string());
            let key = Arg::from(number.as_str());
            let old = n % 2 != 0;
            tx.put("insert into users (id, email, name, password_hash, active, created_at, rights_at, platform_role) \
                values ($1, $2, $2, '', true, 0, $3, $4)", &[id(4, n).into(), key, n.into(), if n % 400 == 0 { text("admin") } else { Arg::Text(None) }]).await?;
            tx.put(
                "insert into memberships (tenant, user_id, role, created_at) values ($1, $2, 'agent', 0)",
                &[tenant.into(), id(4, n).into()],
            )
            .await?;
            tx.put(
                "insert into contacts (id, tenant, name, created_at, updated_at) values ($1, $2, $3, 0, 0)",
                &[contact.into(), tenant.into(), key],
            )
            .await?;
            tx.put(
                "insert into contact_terms (tenant, term, contact) values ($1, $2, $3)",
                &[tenant.into(), Arg::from(number.as_bytes()), contact.into()],
            )
            .await?;
            tx.put("insert into identities (channel, external_id, contact, tenant, created_at) values ($1, $2, $3, $4, 0)", &[channel.into(), key, contact.into(), tenant.into()]).await?;
            tx.put(
                "insert into contact_labels (tenant, label, contact) values ($1, $2, $3)",
                &[tenant.into(), id(20, n % 40).into(), contact.into()],
            )
            .await?;
            tx.put("insert into contact_attributes (tenant, contact, attribute, value, updated_at) values ($1, $2, $3, '1', 0)", &[tenant.into(), contact.into(), id(21, n % 10).into()]).await?;
            tx.put("insert into contact_notes (tenant, id, contact, text, created_at) values ($1, $2, $3, 'n', 0)", &[tenant.into(), id(22, n).into(), contact.into()]).await?;
            tx.put(
                "insert into contact_words (tenant, term, contact) values ($1, $2, $3)",
                &[tenant.into(), Arg::from(number.as_bytes()), contact.into()],
            )
            .await?;
            tx.put("insert into contact_merges (tenant, id, contact, into_contact, kind, state, created_at) values ($1, $2, $3, $3, 'person', 'active', 0)", &[tenant.into(), id(19, n).into(), contact.into()]).await?;
            let bucket = ["closed", "ai", "unassigned", "unassigned_waiting", "assigned", "assigned_waiting"]
                [usize::try_from(n % 6).unwrap_or(0)];
            let (state, waits) =
                (if bucket == "closed" { "closed" } else { "open" }, bucket.ends_with("waiting"));
            let assignee = if bucket.starts_with("assigned") { Arg::from(id(4, n % 100)) } else { none };
            let args = [
                conversation.into(),
                tenant.into(),
                company.into(),
                channel.into(),
                contact.into(),
                key,
                state.into(),
                assignee,
                n.into(),
                if waits { Arg::from(n) } else { Arg::Int(None) },
                bucket.into(),
            ];
            tx.put("insert into conversations (id, tenant, company, channel, contact, external_id, is_group, state, owner, epoch, \
                assignee, last_seq, inbound_count, opened_at, updated_at, waiting_since, bucket) \
                values ($1, $2, $3, $4, $5, $6, false, $7, 'ai', 1, $8, 2, 1, 0, $9, $10, $11)", &args).await?;
            tx.put(
                "insert into conversation_labels (tenant, label, conversation) values ($1, $2, $3)",
                &[tenant.into(), id(20, n % 40).into(), conversation.into()],
            )
            .await?;
            let args = [
                tenant.into(),
                id(20, n % 40).into(),
                conversation.into(),
                contact.into(),
                channel.into(),
                bucket.into(),
                assignee,
                n.into(),
                if waits { Arg::from(n) } else { Arg::Int(None) },
            ];
            tx.put("insert into labelled (tenant, label, conversation, contact, channel, bucket, assignee, updated_at, waiting_since) \
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9)", &args).await?;
            tx.put(
                "insert into tallies (tenant, channel, bucket, assignee, amount) values ($1, $2, $3, $4, 1) \
                on conflict (tenant, channel, bucket, assignee) do nothing",
                &[tenant.into(), channel.into(), bucket.into(), id(4, n % 100).into()],
            )
            .await?;
            for seq in [1_i64, 2] {
                let args = [
                    id(7 + 10 * seq as u64, n).into(),
                    tenant.into(),
                    conversation.into(),
                    channel.into(),
                    seq.into(),
                    if seq == 1 { text("in") } else { text("out") },
                    if seq == 1 { key } else { Arg::Text(None) },
                    if seq == 2 { key } else { Arg::Text(None) },
                ];
                tx.put("insert into messages (id, tenant, conversation, channel, seq, direction, kind, author_kind, external_key, client_id, \
                    status, created_at, reactions) values ($1, $2, $3, $4, $5, $6, 'text', 'customer', $7, $8, 'sent', 0, '[]')", &args).await?;
            }
            let message = id(27, n).max(message);
            let sent = id(27, n);
            tx.put("insert into attachments (id, tenant, message, position, kind, state, source, created_at) values ($1, $2, $3, 0, 'image', 'ready', '{}', 0)", &[id(8, n).into(), tenant.into(), sent.into()]).await?;
            tx.put("insert into files (tenant, id, sha256, size, mime, state, path, created_at, updated_at, unused_since) values ($1, $2, $3, 1, 'image/png', $4, '', 0, $5, $6)", &[tenant.into(), id(30, n).into(), key, (if n % 50 == 0 { text("uploading") } else { text("ready") }), (LATER + n).into(), if n % 50 == 1 { Arg::from(LATER + n) } else { Arg::Int(None) }]).await?;
            tx.put(
                "insert into file_uses (tenant, file, thing, thing_id) values ($1, $2, 'attachment', $3)",
                &[tenant.into(), id(30, n).into(), id(8, n).into()],
            )
            .await?;
            tx.put("insert into uploads (tenant, id, caller, size, created_at, file) values ($1, $2, $3, 1, $4, $5)", &[tenant.into(), id(31, n).into(), id(4, n).into(), (LATER + n).into(), if n % 50 == 0 { none } else { Arg::from(id(30, n)) }]).await?;
            tx.put("insert into pending_changes (id, tenant, channel, target_key, event, created_at) values ($1, $2, $3, $4, '', $5)", &[id(9, n).into(), tenant.into(), channel.into(), key, n.into()]).await?;
            tx.put(
                "insert into channel_health (tenant, channel, id, at, state) values ($1, $2, $3, $4, 'down')",
                &[tenant.into(), channel.into(), id(18, n).into(), n.into()],
            )
            .await?;
            tx.put("insert into connections (channel, external_id, tenant, owner, enabled, updated_at) values ($1, $2, $3, $2, true, 0)", &[channel.into(), key, tenant.into()]).await?;
            tx.put(
                "insert into left_messages (tenant, channel, external_key, message) values ($1, $2, $3, $4)",
                &[tenant.into(), channel.into(), key, id(8, n).into()],
            )
            .await?;
            tx.put("insert into threads (channel, chat, thread, tenant, title, titled_at) values ($1, $2, 'topic:1', $3, 'T', 0)", &[channel.into(), key, tenant.into()]).await?;
            tx.put("insert into claims (provider, claim, channel, tenant, proved, claimed_at) values ('telegram', $1, $2, $3, true, 0)", &[key, channel.into(), tenant.into()]).await?;
            tx.put("insert into envelopes (id, tenant, channel, body, outcome, events, received_at) values ($1, $2, $3, $4, 'events', 1, 0)", &[id(10, n).into(), tenant.into(), channel.into(), Arg::from(number.as_bytes())]).await?;
            tx.put(
                "insert into visits (tenant, link, day, amount) values ($1, $2, $3, 1)",
                &[tenant.into(), id(19, n % 40).into(), n.into()],
            )
            .await?;
            tx.put("insert into leads (tenant, id, source, external_id, digest, fields, utm, click_ids, at) values ($1, $2, 'page', $3, $3, '{}', '{}', '{}', $4)", &[tenant.into(), id(21, n).into(), key, n.into()]).await?;
            tx.put("insert into clicks (tenant, reference, link, channel, utm, clicked_at) values ($1, $2, $3, $4, '{}', $5)", &[tenant.into(), key, id(19, n % 40).into(), channel.into(), n.into()]).await?;
            tx.put("insert into touches (tenant, id, contact, channel, conversation, kind, message_key, source, at) values ($1, $2, $3, $4, $5, 'link', $6, '{}', $7)", &[tenant.into(), id(20, n).into(), contact.into(), channel.into(), if old { Arg::from(conversation) } else { none }, key, n.into()]).await?;
            tx.put("insert into reads (tenant, conversation, user_id, seq, inbound_count, updated_at) values ($1, $2, $3, 1, 1, 0)", &[tenant.into(), conversation.into(), id(4, n).into()]).await?;
            tx.put("insert into events (tenant, cursor_at, kind, created_at, data) values ($1, $2, 'x', $2, '{}')", &[tenant.into(), n.into()]).await?;
            let state = if old {
                "answered"
            } else if n % 20 != 0 {
                "collecting"
            } else {
                "offered"
            };
            tx.put("insert into turns (id, tenant, company, channel, conversation, state, epoch, first_seq, last_seq, message_count, window_at, \
                due_at, attempt, supersedes, lease_until, opened_at) values ($1, $2, $3, $4, $5, $6, 1, 1, 1, 1, 0, $7, 0, 0, $7, 0)", &[id(11, n).into(), tenant.into(), company.into(), channel.into(), conversation.into(), state.into(), (LATER + n).into()]).await?;
            let state = if old { "sent" } else { "queued" };
            tx.put("insert into deliveries (id, tenant, channel, conversation, message, part, parts, payload, state, tries, external_key, created_at, updated_at, sent_at) \
                values ($1, $2, $3, $4, $5, 0, 1, '{}', $6, 1, $7, 0, 0, $8)", &[id(12, n).into(), tenant.into(), channel.into(), conversation.into(), message.into(), state.into(), key, if old { Arg::from(n) } else { Arg::Int(None) }]).await?;
            tx.put("insert into notice_receipts (tenant, contact, channel, company, version, language, message, created_at) values ($1, $2, $3, $4, $5, 'en', $6, $5)", &[tenant.into(), contact.into(), channel.into(), company.into(), n.into(), message.into()]).await?;
            tx.put("insert into automatic_answers (tenant, channel, address, since_at, amount) values ($1, $2, $3, $4, 1)", &[tenant.into(), channel.into(), key, n.into()]).await?;
            tx.put("insert into attempts (id, delivery, started_at, finished_at, tenant) values ($1, $2, 0, $3, $4)", &[id(13, n).into(), id(12, n).into(), if old { Arg::from(n) } else { Arg::Int(None) }, tenant.into()]).await?;
            let state = ["ready", "behind", "ready", "dead"][usize::try_from(n % 4).unwrap_or(0)];
            let state = if n % 100 == 0 { "claimed" } else { state };
            let claim = if state == "claimed" { Arg::from(id(15, n)) } else { none };
            tx.put("insert into jobs (id, tenant, lane, kind, subject, position, class, run_at, tries, claim, claimed_until, created_at, queue, state) \
                values ($1, $2, $3, 'deliver', $4, 0, 1, $5, 0, $6, $5, $5, $7, $8)", &[id(14, n).into(), tenant.into(), key, id(12, n).into(), (LATER + n).into(), claim, channel.into(), state.into()]).await?;
            tx.put("insert into refresh_tokens (id, family, user_id, digest, expires_at, created_at) values ($1, $2, $3, $4, $5, 0)", &[id(16, n).into(), id(17, n / 3).into(), id(4, n % 500).into(), key, n.into()]).await?;
        }
        for n in 0..ROWS {
            tx.put("insert into sessions (id, user_id, started_at, expires_at, generation, renewals) values ($1, $2, 0, $3, 1, 1)", &[id(17, n).into(), id(4, n % 500).into(), n.into()]).await?;
        }
        for n in 0..ROWS {
            let (tenant, block) = (id(1, n % TENANTS), n / TENANTS);
            let (tokens, list) = (format!("{n}_word"), format!("{{{n}}}"));
            // PostgreSQL takes many at a time.
            let document = match self.0 {
                Engine::Sqlite => n.into(),
                Engine::Postgres => list.as_str().into(),
            };
            tx.put("insert into search_blocks (tenant, place, block, documents, first_at, last_at) values ($1, $2, $3, 1, 0, 0)", &[tenant.into(), block.into(), n.into()]).await?;
            tx.put(
                "insert into search_documents (tenant, document, subject) values ($1, $2, $3)",
                &[tenant.into(), n.into(), id(17, n).into()],
            )
            .await?;
            tx.put(statements_of(self.0)[0], &[tenant.into(), document, tokens.as_str().into()]).await?;
        }
        for n in 0..CHANNELS {
            tx.put("insert into queues (id, class, tenant, waiting, running, dead, next_at, failures) values ($1, 1, $2, 1, 0, 0, $3, 0)", &[id(3, n).into(), id(1, n % TENANTS).into(), (LATER + n).into()]).await?;
        }
        Ok(())
    }
}

/// The tables that the database has, without those that are [`STILL`].
struct Growing(Engine);

impl Verb for Growing {
    type Out = Vec<String>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, Error> {
        let sql = match self.0 {
            Engine::Sqlite => {
                "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
            }
            Engine::Postgres => "select tablename::text from pg_tables where schemaname = current_schema()",
        };
        let mut names: Vec<String> =
            tx.all::<(String,)>(sql, &[]).await?.into_iter().map(|row| row.0).collect();
        for (still, _) in STILL {
            assert!(names.iter().any(|name| name == still), "{still}: there is no such table");
        }
        names.retain(|name| STILL.iter().all(|(still, _)| still != name));
        // On SQLite it is no table of rows.
        names.retain(|name| self.0 == Engine::Postgres || !name.starts_with(TOKENS));
        Ok(names)
    }
}

/// Counts the rows of each table, as the planner wants to know it.
struct Analyze;

impl Verb for Analyze {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec("analyze", &[]).await?;
        Ok(())
    }
}

/// The rows of an empty table prove nothing of its plans.
struct IsFilled(String);

impl Verb for IsFilled {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let sql: &'static str = format!("select count(*) from {}", self.0).leak();
        Ok(tx.one::<(i64,)>(sql, &[]).await?.is_some_and(|(rows,)| rows >= FEW))
    }
}

fn is_growing(tables: &[String], line: &str, before: &str) -> bool {
    let table = line.split_once(before).and_then(|(_, rest)| rest.split_whitespace().next());
    table.is_some_and(|table| tables.iter().any(|name| name == table))
}

/// Whether an index condition says no more than which channel, or which threads of it. A channel grows as a tenant does.
fn is_of_channel(condition: &str) -> bool {
    let (_, said) = condition.split_once("Index Cond: ").unwrap_or_default();
    let mut columns = said
        .split(" AND ")
        .map(|part| part.trim_start_matches('(').split_once(' ').map_or(part, |(column, _)| column));
    said.contains("(channel = ") && columns.all(|column| ["tenant", "channel", "thread"].contains(&column))
}

/// Whether it wants the beginning of what an index has in order.
fn begins(sql: &str) -> bool {
    sql.contains(" limit $") || sql.contains("min(cursor_at)")
}

/// What a SQLite plan does that grows, if the statement asks a table that does. (Its plans name aliases.)
fn faults_of_sqlite(tables: &[String], sql: &str, plan: &[String]) -> Vec<String> {
    let words: Vec<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let asks = |table: &String| {
        words.windows(2).any(|two| ["from", "join", "update", "into"].contains(&two[0]) && two[1] == table)
    };
    if !tables.iter().any(asks) {
        return Vec::new();
    }
    // All of a tenant grows as well, but for the beginning of a list in the order of the index.
    let whole = |line: &str| line.ends_with("(tenant=?)") && !begins(sql);
    let faulty = |line: &&String| line.starts_with("SCAN ") || line.contains("TEMP B-TREE") || whole(line);
    plan.iter().filter(faulty).cloned().collect()
}

/// What a PostgreSQL plan does that grows.
fn faults_of_postgres(tables: &[String], sql: &str, plan: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, line) in plan.iter().enumerate() {
        if is_growing(tables, line, "Seq Scan on ") {
            faults.push(line.clone());
        }
        let depth = |line: &str| line.len() - line.trim_start_matches([' ', '-', '>']).len();
        if line.trim_start_matches([' ', '-', '>']).starts_with("Sort ") {
            let below = plan[at + 1..].iter().take_while(|next| depth(next) > depth(line));
            if below.clone().any(|next| is_growing(tables, next, " on ")) {
                faults.push(line.clone());
            }
        }
        let by_index = line.contains("Index Scan using") || line.contains("Index Only Scan using");
        if by_index && is_growing(tables, line, " on ") {
            let details = plan[at + 1..].iter().take_while(|next| !next.contains("->"));
            let condition = details.clone().find(|next| next.contains("Index Cond"));
            let whole = |condition: &String| condition.contains("(tenant = ") && !condition.contains(" AND ");
            match condition {
                None => faults.push(format!("{line} (all of it)")),
                Some(condition) if whole(condition) && !begins(sql) => {
                    faults.push(format!("{line} (all of a tenant)"));
                }
                Some(condition) if is_of_channel(condition) && !begins(sql) => {
                    faults.push(format!("{line} (all of a channel)"));
                }
                Some(_) => {}
            }
        }
    }
    faults
}

on_both!(every_statement_finds_what_it_wants_by_an_index, |engine| async move {
    // The tables are filled by one statement each.
    let world = World::configured(engine, |config| config.store.database_timeout_s = 600).await;
    let store = &world.app.store;
    store.write(Fill(engine)).await.expect("filled tables");
    let tables = store.read(Growing(engine)).await.expect("the tables");
    for table in &tables {
        let is_filled = store.read(IsFilled(table.clone())).await.expect("its rows");
        assert!(is_filled, "{table}: fill it above, or say in STILL why it does not grow");
    }
    let mut wrong = Vec::new();
    // SQLite plans without statistics unless somebody asks for them: both have to do.
    for analyzed in [false, true] {
        if analyzed {
            store.write(Analyze).await.expect("statistics");
        } else if engine == Engine::Postgres {
            continue;
        }
        for (file, all) in statements().into_iter().chain([("search", statements_of(engine))]) {
            for sql in all {
                let plan =
                    store.read(Plan(sql)).await.unwrap_or_else(|error| panic!("{file}: {error}\n{sql}"));
                let faults = match engine {
                    Engine::Sqlite => faults_of_sqlite(&tables, sql, &plan),
                    Engine::Postgres => faults_of_postgres(&tables, sql, &plan),
                };
                if !faults.is_empty() && !ALLOWED.iter().any(|(start, _)| sql.starts_with(start)) {
                    wrong
                        .push(format!("{file} (analyzed: {analyzed}): {sql}\n    {}", faults.join("\n    ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} statements look at too much:\n{}", wrong.len(), wrong.join("\n"));
    world.finish().await;
});
