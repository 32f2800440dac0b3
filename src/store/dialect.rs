//! The differences between the two engines' SQL. No other file has any.

use crate::search::Syntax;

/// Which engine a statement runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The engine of a database URL: `postgres://…` is PostgreSQL, everything else is a SQLite file.
    pub fn of(url: &str) -> Self {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::Postgres
        } else {
            Self::Sqlite
        }
    }

    /// The file path of a SQLite URL.
    pub fn sqlite_path(url: &str) -> &str {
        url.trim_start_matches("sqlite://").trim_start_matches("sqlite:")
    }

    /// Locks the tenant's row until the transaction ends, and returns the cursor of its last event. Only the holder
    /// of this lock changes the tenant's data, but for what follows its feed. SQLite needs no lock, because it has a
    /// single writer.
    pub const fn tenant_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select next_cursor from tenants where id = $1 for no key update"),
        }
    }

    /// Job queues with a job to run. On PostgreSQL queues that another transaction has locked are skipped: that
    /// transaction sends a wake-up after its commit.
    pub const fn due_queues(self) -> &'static str {
        match self {
            Self::Sqlite => DUE_QUEUES,
            Self::Postgres => DUE_QUEUES_LOCKED,
        }
    }

    /// As [`due_queues`](Self::due_queues), without those of four tenants and four kinds of channels.
    pub const fn due_queues_but(self) -> &'static str {
        match self {
            Self::Sqlite => DUE_QUEUES_BUT,
            Self::Postgres => DUE_QUEUES_BUT_LOCKED,
        }
    }

    /// Locks the row of a queue until the transaction ends.
    pub const fn queue_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                Some("select class from queues where tenant = $1 and id = $2 and class = $3 for update")
            }
        }
    }

    /// Locks the place of a consumer in a tenant until the transaction ends, and with it all that the consumer writes there.
    /// Whoever has the tenant's lock as well took that first.
    pub const fn consumer_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(
                "select cursor_at from consumer_cursors where tenant = $1 and consumer = $2 for no key update",
            ),
        }
    }

    /// How long a statement of this transaction waits for a lock, and how long it runs ($1).
    pub const fn limits(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(
                "select set_config('lock_timeout', '5s', true), set_config('statement_timeout', $1, true)",
            ),
        }
    }

    /// The clock of the database, in Unix milliseconds; `None` where it is this machine's. It is that of the call, not
    /// of the transaction's begin.
    pub const fn clock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(POSTGRES_CLOCK),
        }
    }

    /// The database's name among those of its cluster; `None` where it is a file.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(POSTGRES_NAME),
        }
    }

    /// The newest cursors of many tenants, whose ids are $1 in braces, in one look; `None` where one look for each costs as
    /// little.
    pub const fn tops(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(POSTGRES_TOPS),
        }
    }

    /// Whether only one server at a time works with a database.
    pub const fn has_one_node(self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// Creates the engine's own part of the search index: the tokens of each document.
    pub const fn search_schema(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[SQLITE_TOKENS],
            Self::Postgres => &[POSTGRES_TOKENS, POSTGRES_TOKENS_INDEX],
        }
    }

    /// What the planner has to know of columns that depend on each other. Prepared statements are planned for any tenant
    /// and any channel: to PostgreSQL, which multiplies the shares of both, a channel of a tenant then has no row at all,
    /// and every index that begins with them is as good as the one of the contact or the chat. SQLite goes by the number
    /// of columns.
    pub const fn statistics(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[],
            Self::Postgres => &[
                "create statistics conversations_depend (dependencies) on tenant, channel, contact, external_id from conversations",
                "create statistics messages_depend (dependencies) on tenant, channel, conversation from messages",
                "create statistics identities_depend (dependencies) on tenant, channel, contact from identities",
                "create statistics deliveries_depend (dependencies) on tenant, channel, conversation from deliveries",
                "create statistics turns_depend (dependencies) on tenant, channel, conversation from turns",
                "create statistics changes_depend (dependencies) on tenant, channel, target_key from pending_changes",
                "create statistics touches_depend (dependencies) on tenant, channel, contact from touches",
                "create statistics answers_depend (dependencies) on tenant, channel, address from automatic_answers",
                // Where there are rows already. An empty table that was analyzed counts as one that stays so.
                "do $$ begin if exists (select from conversations) then analyze conversations, messages, identities, \
                 deliveries, turns, pending_changes, touches, automatic_answers; end if; end $$",
            ],
        }
    }

    pub(super) const fn search(self) -> &'static SearchSql {
        match self {
            Self::Sqlite => &SQLITE_SEARCH,
            Self::Postgres => &POSTGRES_SEARCH,
        }
    }

    /// Serialises the migrations of nodes that start at the same time.
    pub const fn migration_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select pg_advisory_xact_lock(7283640117)"),
        }
    }

    /// How long a statement of a migration waits for a lock. Whoever wants the table after it waits as well, so that a dump
    /// would stop the nodes that run. It is longer than PostgreSQL's `deadlock_timeout`, after which an autovacuum that is in
    /// the way is cancelled.
    pub const fn migration_limit(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select set_config('lock_timeout', '2s', true)"),
        }
    }
}

macro_rules! due_queues {
    ($but:literal, $lock:literal) => {
        concat!(
            "select q.tenant, q.id, q.class, q.running, q.failures, q.blocked_until, q.reason, q.free_at_us from queues q \
             where q.class = $1 and q.next_at <= $2",
            $but,
            " order by q.next_at limit $3",
            $lock
        )
    };
    (but_some $lock:literal) => {
        due_queues!(
            " and q.tenant not in ($4, $5, $6, $7) and not exists (select 1 from channels c \
              where c.tenant = q.tenant and c.id = q.id and c.kind in ($8, $9, $10, $11))",
            $lock
        )
    };
}

pub(super) const DUE_QUEUES: &str = due_queues!("", "");
const DUE_QUEUES_LOCKED: &str = due_queues!("", " for update skip locked");
/// As before, without those of some tenants and providers.
pub(super) const DUE_QUEUES_BUT: &str = due_queues!(but_some "");
const DUE_QUEUES_BUT_LOCKED: &str = due_queues!(but_some " for update of q skip locked");

/// The statements of `search_tokens`. Arguments: tenant, document, tokens; to put, on PostgreSQL, arrays of documents and
/// lines of tokens.
pub(super) struct SearchSql {
    /// The tokens of new documents. On PostgreSQL the same as `replace`.
    pub put: &'static str,
    pub replace: &'static str,
    pub remove: &'static str,
    /// All of them, with the one that finds.
    pub all: &'static [&'static str],
    pub syntax: Syntax,
}

/// Full text without the text: only which document has a token. `ascii` splits at what is no letter or digit of ASCII and
/// leaves everything else alone, because the tokens are ready.
const SQLITE_TOKENS: &str = "create virtual table search_tokens using fts5 (tokens, content = '', contentless_delete = 1, \
    detail = none, tokenize = \"ascii tokenchars '_'\")";
const SQLITE_PUT: &str = "insert into search_tokens (rowid, tokens) select $2, $3 where $1 is not null";
const SQLITE_REPLACE: &str =
    "insert or replace into search_tokens (rowid, tokens) select $2, $3 where $1 is not null";
const SQLITE_REMOVE: &str = "delete from search_tokens where rowid = $2 and $1 is not null";
const SQLITE_SEARCH: SearchSql = SearchSql {
    put: SQLITE_PUT,
    replace: SQLITE_REPLACE,
    remove: SQLITE_REMOVE,
    all: &[SQLITE_PUT, SQLITE_REPLACE, SQLITE_REMOVE, SQLITE_FIND],
    syntax: Syntax { quote: "\"", prefix: "*", and: " AND ", or: " OR " },
};
/// The newest documents with the tokens ($1) from $3 on and before $2. FTS5 reads them backwards, and no more of them.
pub(super) const SQLITE_FIND: &str = "select rowid from search_tokens where search_tokens match $1 and rowid < $2 and rowid >= $3 \
    order by rowid desc limit $4";

const POSTGRES_TOKENS: &str = "create table search_tokens (tenant uuid not null, document bigint not null, \
    tokens tsvector not null, primary key (tenant, document))";
const POSTGRES_TOKENS_INDEX: &str = "create index search_tokens_by_token on search_tokens using gin (tokens) with (gin_pending_list_limit = 512)";
const POSTGRES_PUT: &str = "insert into search_tokens (tenant, document, tokens) \
    select $1, u.document, array_to_tsvector(string_to_array(u.tokens, ' ')) \
    from unnest(cast(cast($2 as text) as bigint[]), string_to_array($3, e'\\n')) u (document, tokens) \
    on conflict (tenant, document) do update set tokens = excluded.tokens";
/// The numbers of the documents of an array. Looked up one by one: without statistics a list of values is looked for among all of
/// the tenant's.
pub(super) const POSTGRES_DOCUMENTS: &str = "select u.subject, \
    (select d.document from search_documents d where d.tenant = $1 and d.subject = u.subject) \
    from unnest(cast(cast($2 as text) as uuid[])) u (subject)";
/// What documents are of, for arrays of both.
pub(super) const POSTGRES_PUT_DOCUMENTS: &str = "insert into search_documents (tenant, document, subject) \
    select $1, u.document, u.subject \
    from unnest(cast(cast($2 as text) as bigint[]), cast(cast($3 as text) as uuid[])) u (document, subject)";
const POSTGRES_REMOVE: &str = "delete from search_tokens where tenant = $1 and document = $2";
const POSTGRES_SEARCH: SearchSql = SearchSql {
    put: POSTGRES_PUT,
    replace: POSTGRES_PUT,
    remove: POSTGRES_REMOVE,
    all: &[POSTGRES_PUT, POSTGRES_DOCUMENTS, POSTGRES_PUT_DOCUMENTS, POSTGRES_REMOVE, POSTGRES_FIND],
    syntax: Syntax { quote: "'", prefix: ":*", and: " & ", or: " | " },
};
/// As [`SQLITE_FIND`] over several blocks, from place $3 on and up to $4, the newest first; before a document in the newest
/// of them. The tenant is compared and
/// the documents are sorted in forms that have no index: only the index by tokens is small enough here.
pub(super) const POSTGRES_FIND: &str = "select d.document from (select tenant, place, block from search_blocks \
    where tenant = $1 and place >= $3 and place <= $4 and last_at >= $7 and first_at <= $8 order by place desc offset 0) b \
    cross join lateral \
    (select s.document from search_tokens s where s.tokens @@ replace($2, '#', cast(b.block as text))::tsquery \
    and (b.place < $4 or s.document < $5) and coalesce(s.tenant) = b.tenant order by s.document + 0 desc limit $6) d \
    order by b.place desc limit $6";

/// What the epoch of the feeds is made of. Its first part is generated with the database and can be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Epoch {
    Installation,
    /// And the id of PostgreSQL's cluster, which a standby shares with its primary.
    Cluster,
    /// And the cluster's timeline, which changes at every failover, with or without lost commits.
    Timeline,
}

impl Epoch {
    pub const fn statement(self) -> &'static str {
        match self {
            Self::Installation => EPOCH,
            Self::Cluster => CLUSTER_EPOCH,
            Self::Timeline => TIMELINE_EPOCH,
        }
    }
}

pub(super) const POSTGRES_NAME: &str = "select cast(current_database() as text)";
/// What our statements rely on, and a role or a database may have other defaults for. The limits are set by each transaction
/// that has any. A transaction waits for nothing but the database, so one that stands still for a minute is of a node that
/// hangs, and must let go of its locks. An acknowledged commit survives a crash.
///
/// `default_transaction_read_only` is not among them: it is how operators fence a server. Some settings are of newer
/// versions only. A standby runs nothing at all in a serializable transaction.
pub(super) const POSTGRES_SESSION: &str = "begin isolation level read committed; select set_config(s.name, w.value, false) from (values \
    ('default_transaction_isolation', 'read committed'), ('standard_conforming_strings', 'on'), ('statement_timeout', '0'), \
    ('lock_timeout', '0'), ('transaction_timeout', '0'), ('idle_in_transaction_session_timeout', '60s')) w (name, value) \
    join pg_settings s on s.name = w.name \
    union all select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'; commit";

/// The sessions that keep the session of process $1 waiting.
pub(super) const POSTGRES_BLOCKERS: &str = "select a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, 'unknown'), \
    coalesce(cast(a.usename as text), 'unknown'), \
    cast(extract(epoch from clock_timestamp() - a.xact_start) as bigint) \
    from pg_stat_activity a where a.pid = any(pg_blocking_pids($1)) order by a.xact_start limit 5";

pub(super) const POSTGRES_TOPS: &str =
    "select id, next_cursor from tenants where id = any(cast(cast($1 as text) as uuid[]))";
/// Our small tables that have doubled since they were analyzed. Each is taken a few times only: a queue becomes small and large for
/// ever. All else is autovacuum's.
pub(super) const POSTGRES_YOUNG: &str = "select cast(cast(c.oid as regclass) as text) from pg_class c where c.relkind = 'r' \
    and c.relnamespace = (select n.oid from pg_namespace n where n.nspname = current_schema()) and pg_has_role(c.relowner, 'usage') \
    and pg_stat_get_live_tuples(c.oid) between 50 and 4000 and pg_stat_get_live_tuples(c.oid) >= 2 * c.reltuples \
    and pg_stat_get_analyze_count(c.oid) < 20";
pub(super) const POSTGRES_CLOCK: &str = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";

const EPOCH: &str = "select epoch from installation where id = 1";

/// Some hosted PostgreSQL services do not permit these queries.
const CLUSTER_EPOCH: &str = "select i.epoch || '.' || to_hex(c.system_identifier) \
    from installation i, pg_control_system() c where i.id = 1";
const TIMELINE_EPOCH: &str = "select i.epoch || '.' || to_hex(c.system_identifier) || '.' \
    || ltrim(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), '0') \
    from installation i, pg_control_system() c where i.id = 1";

/// How far two servers of PostgreSQL are, in bytes of their log, and what they are copies of: installation, database, and
/// cluster and timeline, where those may be asked for.
#[derive(Debug)]
pub(super) struct PositionSql {
    /// How far the primary's log is safe, which is at least as far as whatever was told to be committed.
    pub primary: &'static str,
    /// Whether it is a standby, and how far its readers see.
    pub replica: &'static str,
}

impl PositionSql {
    pub const fn of(epoch: Epoch) -> &'static Self {
        match epoch {
            Epoch::Installation => &Self {
                primary: "select cast(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') as bigint), i.epoch || '.' || current_database() \
                    from installation i where i.id = 1",
                replica: "select pg_is_in_recovery(), \
                    coalesce(cast(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') as bigint), 0), i.epoch || '.' || current_database() \
                    from installation i where i.id = 1",
            },
            Epoch::Cluster | Epoch::Timeline => &Self {
                primary: "select cast(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') as bigint), \
                    i.epoch || '.' || to_hex(c.system_identifier) || '.' \
                    || ltrim(substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8), '0') || '.' || current_database() \
                    from installation i, pg_control_system() c where i.id = 1",
                // Whoever may not read the receiver's timeline gets that of the last restartpoint.
                replica: "select pg_is_in_recovery(), \
                    coalesce(cast(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') as bigint), 0), \
                    i.epoch || '.' || to_hex(c.system_identifier) || '.' \
                    || upper(to_hex(coalesce((select received_tli from pg_stat_wal_receiver), \
                    (select timeline_id from pg_control_checkpoint())))) || '.' || current_database() \
                    from installation i, pg_control_system() c where i.id = 1",
            },
        }
    }
}

/// The pragmas of every SQLite connection. `synchronous = full`: an acknowledged commit survives a power failure.
/// `trusted_schema`: what somebody else wrote into the file's schema can call nothing.
pub(super) const SQLITE_SETUP: &str = "
pragma journal_mode = wal;
pragma synchronous = full;
pragma foreign_keys = on;
pragma trusted_schema = off;
pragma busy_timeout = 5000;
pragma temp_store = memory;
pragma cache_size = -16000;
pragma wal_autocheckpoint = 16000;
";

/// Additional pragmas of read-only connections.
pub(super) const SQLITE_READER: &str = "pragma query_only = on; pragma cache_size = -2000;";
