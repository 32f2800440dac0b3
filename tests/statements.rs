//! Every statement of the store that touches a tenant's table says which tenant: by a value, by a joined table that has
//! one, or by a directory that was asked before the tenant is known. Those of a short list look through all tenants.

use std::collections::BTreeSet;

use hubbub::store::{Engine, statements};

use crate::keys::OF_THE_INSTALLATION;

/// Statements without a tenant: the beginning of each, and why.
const ACROSS_TENANTS: &[(&str, &str)] = &[
    (
        "select m.tenant, t.name, m.role, m.companies from memberships m",
        "the tenants of a person who signs in",
    ),
    ("select sealed from channels order by tenant, id limit 1", "whether the master key is the right one"),
    ("select id, revoked_at from api_keys where revoked_at > $1", "nodes look for rights that changed"),
    ("select c.tenant, c.id from companies c where c.id = $1", "the platform's people and the command line"),
    (
        "select h.tenant, h.company from channels h where h.id = $1",
        "the platform's people and the command line",
    ),
    ("select k.tenant, cast(null as uuid) from api_keys k where k.id = $1", "the command line"),
    (
        "select count(*) from channels where app = $1 and state <> 'disconnected'",
        "the places that are taken on a server of the installation",
    ),
    (
        "select app, count(*) from channels where app is not null and state <> 'disconnected' group by app",
        "the places that are taken on each server of the installation",
    ),
    (
        "select tenant, id from channels where app = $1",
        "a provider tells an app what concerns all its channels",
    ),
    (
        "select c.tenant, h.company from conversations c join channels h on h.tenant = c.tenant and h.id = c.channel where c.id = $1",
        "the platform's people",
    ),
    ("select c.tenant, h.company from attachments a", "the platform's people"),
    ("select f.tenant, cast(null as uuid) from files f where f.id = $1", "the platform's people"),
    ("select u.tenant, cast(null as uuid) from uploads u where u.id = $1", "the platform's people"),
    (
        "select f.tenant, f.id, f.sha256, f.size, f.mime, f.name, f.width, f.height, f.state, f.path, f.created_at \
         from files f where f.state = 'uploading'",
        "sweep: uploads that broke off",
    ),
    (
        "select f.tenant, f.id, f.sha256, f.size, f.mime, f.name, f.width, f.height, f.state, f.path, f.created_at \
         from files f where f.unused_since < $1",
        "sweep: files that nothing uses",
    ),
    (
        "select u.tenant, u.id, u.caller, u.conversation, u.kind, u.name, u.mime, u.size, u.file, u.created_at \
         from uploads u where u.created_at < $1",
        "sweep: uploads of more than a day",
    ),
    ("select id, tenant, name from companies where (tenant, id) > ($1, $2)", "names for the command line"),
    ("select id, tenant, name from channels where (tenant, id) > ($1, $2)", "names for the command line"),
    ("select id, tenant, name from api_keys where (tenant, id) > ($1, $2)", "names for the command line"),
    (
        "select tenant, id, silent_until from conversations where silent_until <= $1",
        "sweep: silences that are over",
    ),
    (
        "select tenant, channel, id from pending_changes where created_at < $1",
        "sweep: what has waited too long",
    ),
    ("select tenant, id from channels where look_at <= $1", "channels of all tenants are looked at in turn"),
    ("select tenant, channel, id from channel_health where at < $1", "sweep: what is kept for long enough"),
    (
        "select id, tenant, company, name, sealed, created_at from lead_sources where id = $1",
        "a signed lead names nothing but its landing page",
    ),
    (
        "select tenant, reference from clicks where clicked_at < $1",
        "sweep: references that nobody brought back",
    ),
    ("select tenant, link, day from visits where day < $1", "sweep: what is kept for long enough"),
    ("select t.id, t.tenant, t.channel, t.due_at from turns t", "sweep: turns whose time has come"),
    ("select t.id, t.tenant, t.channel, t.lease_until from turns t", "sweep: leases that ran out"),
    (
        "select q.tenant, q.id, q.class, q.running, q.failures, q.blocked_until, q.reason, q.free_at_us from queues q where q.class = $1",
        "claiming",
    ),
    (
        "select t.id, t.next_cursor, c.cursor_at, c.state, c.version from tenants t",
        "a consumer looks for tenants with news, page by page",
    ),
    ("select next_at from queues where class = $1", "claiming: when the next job can run"),
    (
        "select q.next_at from queues q where q.class = $1",
        "the same, without tenants and providers that have their share",
    ),
    ("select class, cast(sum(waiting) as bigint)", "metrics of the operator"),
    (
        "select j.id, j.tenant, j.queue, j.class, j.lane, j.kind, j.subject, j.payload, j.tries, j.claim, j.created_at, \
      j.error, j.state from jobs j where j.state = 'claimed'",
        "sweep: jobs whose worker is gone",
    ),
    (
        "select j.id, j.tenant, j.queue, j.class, j.lane, j.kind, j.subject, j.payload, j.tries, j.claim, j.created_at, \
      j.error, j.state from jobs j where j.kind = $1",
        "sweep: jobs that wait for too long",
    ),
];

/// Tables of tenants, as the catalogue has them.
const OF_TENANTS: &[&str] = &[
    "api_keys",
    "attachments",
    "attempts",
    "attributes",
    "channel_health",
    "channels",
    "clicks",
    "companies",
    "connections",
    "consumer_cursors",
    "contact_attributes",
    "contact_labels",
    "contact_merges",
    "contact_notes",
    "contact_terms",
    "contact_words",
    "contacts",
    "conversation_labels",
    "conversations",
    "deliveries",
    "envelopes",
    "events",
    "file_uses",
    "files",
    "identities",
    "jobs",
    "labelled",
    "lead_sources",
    "leads",
    "links",
    "labels",
    "memberships",
    "messages",
    "pending_changes",
    "queues",
    "reads",
    "source_names",
    "tallies",
    "touches",
    "turns",
    "visits",
    "uploads",
    "waiting_changes",
];

/// Words that follow a table's name and are no alias of it.
const NO_ALIAS: &[&str] =
    &["on", "where", "set", "join", "left", "order", "group", "limit", "values", "for", "cross", "select"];

/// Words, placeholders and signs.
fn tokens(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        let mut token = c.to_string();
        if c == '\'' {
            token.extend(chars.by_ref().take_while(|c| *c != '\''));
        } else if c.is_alphanumeric() || c == '_' || c == '$' {
            while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_' || *c == '.') {
                token.push(next);
            }
        } else if "<>=".contains(c) {
            while let Some(next) = chars.next_if(|c| "<>=".contains(*c)) {
                token.push(next);
            }
        } else if c.is_whitespace() {
            continue;
        }
        found.push(token);
    }
    found
}

/// A select, an update, an insert or a delete, without those inside of it.
#[derive(Default)]
struct Query {
    words: Vec<String>,
    inner: Vec<Query>,
}

fn read(tokens: &mut std::slice::Iter<'_, String>) -> Query {
    let mut query = Query::default();
    let mut depth = 0;
    while let Some(token) = tokens.next() {
        match token.as_str() {
            "(" if tokens.as_slice().first().is_some_and(|word| word == "select") => {
                query.inner.push(read(tokens));
            }
            ")" if depth == 0 => return query,
            sign => {
                depth += i32::from(sign == "(") - i32::from(sign == ")");
                query.words.push(token.clone());
            }
        }
    }
    query
}

impl Query {
    /// The tables that it names, each with its alias.
    fn tables(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| self.words[at].as_str());
            if !matches!(before, Some("from" | "join" | "update" | "into")) {
                continue;
            }
            let is_table = OF_TENANTS.contains(&word.as_str())
                || OF_THE_INSTALLATION.iter().any(|(table, _)| table == word);
            if is_table {
                let next = self.words.get(at + 1).map_or("", String::as_str);
                let is_alias = next.chars().all(char::is_alphanumeric) && !next.is_empty();
                let alias = if is_alias && !NO_ALIAS.contains(&next) { next } else { word };
                found.push((word.as_str(), alias));
            }
        }
        found
    }

    /// Which table's tenant a word is; nothing if it is something else.
    fn tenant_of<'a>(word: &'a str, tables: &[(&'a str, &'a str)]) -> Option<&'a str> {
        match word.split_once('.') {
            Some((alias, "tenant")) => Some(alias),
            Some((alias, "id")) => {
                tables.iter().find(|(table, one)| *table == "tenants" && *one == alias).map(|one| one.1)
            }
            None if word == "tenant" && tables.len() == 1 => Some(tables[0].1),
            None if word == "id" && tables == [("tenants", "tenants")] => Some("tenants"),
            _ => None,
        }
    }

    /// What it says of the tables of tenants without saying whose. `known`: aliases outside whose tenant is said.
    fn faults(&self, known: &BTreeSet<String>) -> Vec<String> {
        let tables = self.tables();
        let mut known = known.clone();
        // Directories have the tenant as a value.
        let directories =
            tables.iter().filter(|(table, _)| !OF_TENANTS.contains(table) && *table != "tenants");
        known.extend(directories.map(|(_, alias)| (*alias).to_owned()));
        let mut faults = Vec::new();
        if let [insert, into, table, paren, first, ..] = &self.words[..]
            && (insert.as_str(), into.as_str()) == ("insert", "into")
            && OF_TENANTS.contains(&table.as_str())
        {
            if (paren.as_str(), first.as_str()) != ("(", "tenant") {
                faults.push(format!("{table} gets a row whose first column is {first}"));
            }
            if let Some(at) = self.words.iter().position(|word| word == "conflict")
                && self.words.get(at + 2).is_none_or(|word| word != "tenant")
            {
                faults.push(format!("the conflict of {table} is not the tenant's"));
            }
            known.insert(table.clone());
        }
        loop {
            let before = known.len();
            for three in self.words.windows(3).filter(|three| three[1] == "=") {
                let sides = [&three[0], &three[2]].map(|word| Self::tenant_of(word, &tables));
                let is_known = |side: Option<&str>, word: &str| {
                    word.starts_with('$') || side.is_some_and(|alias| known.contains(alias))
                };
                let (left, right) = (is_known(sides[0], &three[0]), is_known(sides[1], &three[2]));
                if let (true, Some(alias)) = (right, sides[0]) {
                    known.insert(alias.to_owned());
                } else if let (true, Some(alias)) = (left, sides[1]) {
                    known.insert(alias.to_owned());
                }
            }
            if known.len() == before {
                break;
            }
        }
        let unsaid =
            tables.iter().filter(|(table, alias)| OF_TENANTS.contains(table) && !known.contains(*alias));
        faults.extend(unsaid.map(|(table, _)| format!("{table} is asked without its tenant")));
        faults.extend(self.inner.iter().flat_map(|query| query.faults(&known)));
        faults
    }
}

fn faults(sql: &str) -> Vec<String> {
    read(&mut tokens(sql).iter()).faults(&BTreeSet::new())
}

#[test]
fn every_statement_names_its_tenant() {
    let mut all: Vec<(&str, &str)> =
        statements().into_iter().flat_map(|(file, all)| all.iter().map(move |sql| (file, *sql))).collect();
    let engines = [Engine::Sqlite, Engine::Postgres].into_iter();
    all.extend(
        engines
            .flat_map(|engine| {
                engine.queue_lock().into_iter().chain([engine.due_queues(), engine.due_queues_but()])
            })
            .map(|sql| ("dialect", sql)),
    );
    let mut stale: BTreeSet<&str> = ACROSS_TENANTS.iter().map(|(start, _)| *start).collect();
    let mut wrong = Vec::new();
    for (file, sql) in all {
        let faults = faults(sql);
        if faults.is_empty() {
            continue;
        }
        match ACROSS_TENANTS.iter().find(|(start, _)| sql.starts_with(start)) {
            Some((start, _)) => drop(stale.remove(start)),
            None => wrong.push(format!("{file}: {sql}\n    {}", faults.join("\n    "))),
        }
    }
    assert!(wrong.is_empty(), "{} statements:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "no statement needs these any more: {stale:?}");
}

/// The test before is one that can fail.
#[test]
fn a_statement_without_its_tenant_is_refused() {
    for wrong in [
        "select id from messages where id = $1",
        "delete from jobs where id = $1 and claim = $2",
        "update turns set reason = null where id = $1",
        "insert into reads (conversation, tenant) values ($1, $2)",
        "insert into reads (tenant, user_id) values ($1, $2) on conflict (conversation) do nothing",
        "select m.id from messages m join conversations c on c.id = m.conversation where m.tenant = $1",
        "select m.id from messages m where m.tenant = $1 and exists (select 1 from turns where conversation = m.id)",
        "select j.id from jobs j join queues q on q.tenant = j.tenant where j.state = 'ready'",
        "select id from contacts where tenant > $1",
    ] {
        assert!(!faults(wrong).is_empty(), "{wrong}");
    }
    for right in [
        "select m.id from messages m join conversations c on c.tenant = m.tenant and c.id = m.conversation where m.tenant = $1",
        "select m.id from messages m where m.tenant = $1 and exists (select 1 from turns t where t.tenant = m.tenant)",
        "select h.id from hook_paths k join channels h on h.tenant = k.tenant and h.id = k.channel where k.token = $1",
        "select c.name from companies c join tenants t on t.id = c.tenant where t.id = $1",
    ] {
        assert!(faults(right).is_empty(), "{right}: {:?}", faults(right));
    }
}
