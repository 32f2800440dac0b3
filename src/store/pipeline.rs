//! One PostgreSQL transaction, pipelined: its begin, the statements whose result is not needed and its end are sent without
//! waiting for the answer, so that a verb costs one round trip per query, not one per statement.

use std::fmt::Write as _;
use std::pin::Pin;
use std::task::Poll;

use deadpool_postgres::ClientWrapper;
use futures_util::future::{BoxFuture, FutureExt as _, TryFutureExt as _};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::StoreError;
use super::value::{Arg, OwnedArg};

/// The most unanswered statements; bounds what client and server buffer for them.
const UNANSWERED: usize = 256;

type Answer = Result<u64, tokio_postgres::Error>;

pub(super) const WRITE: &str = "start transaction";
/// What all its statements see is the database at the first of them.
pub(super) const READ: &str = "start transaction isolation level repeatable read, read only";

/// Rolls back when dropped before its end, without waiting for it.
pub(super) struct Pipeline<'c> {
    client: &'c ClientWrapper,
    has_ended: bool,
    /// Statements to be sent as one, each on a different table.
    group: Vec<Grouped>,
    unanswered: Vec<BoxFuture<'c, Answer>>,
}

struct Grouped {
    sql: &'static str,
    table: &'static str,
    args: Vec<OwnedArg>,
}

/// The most statements that are sent as one.
const GROUP: usize = 8;

impl<'c> Pipeline<'c> {
    /// Sends the beginning. Whether there is a transaction is known with the next answer: what is sent before that must
    /// change nothing.
    pub(super) async fn begin(client: &'c ClientWrapper, kind: &'static str) -> Result<Self, StoreError> {
        let mut pipeline = Self { client, has_ended: false, group: Vec::new(), unanswered: Vec::new() };
        pipeline.add(client.batch_execute(kind).map_ok(|()| 0).boxed()).await?;
        Ok(pipeline)
    }

    /// Commits, with what was not answered yet. The inner error tells that it was rolled back, which PostgreSQL makes of a
    /// commit where a statement has failed; with the outer one it may have taken place.
    pub(super) async fn commit(&mut self) -> Result<Result<(), StoreError>, StoreError> {
        if let Err(error) = self.send_group().await {
            return Ok(Err(error));
        }
        self.has_ended = true;
        let mut asked = self.client.batch_execute("commit").boxed();
        let early = send(asked.as_mut()).await;
        if let Some(error) = self.first_error().await {
            let is_told = error.as_db_error().is_some();
            return if is_told { Ok(Err(error.into())) } else { Err(error.into()) };
        }
        let answer = match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => asked.await,
        };
        match answer.map_err(StoreError::from) {
            Ok(()) => Ok(Ok(())),
            Err(error @ (StoreError::Unique(_) | StoreError::Retry(_))) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    async fn statement(&mut self, sql: &str) -> Result<Statement, StoreError> {
        match self.client.prepare_cached(sql).await {
            Ok(statement) => Ok(statement),
            // After a failed statement PostgreSQL rejects every `prepare`: the first failed statement has the real
            // error.
            Err(error) => {
                self.answers().await?;
                Err(error.into())
            }
        }
    }

    pub(super) async fn exec(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        self.send_group().await?;
        let statement = self.statement(sql).await?;
        let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
        let asked = self.client.execute(&statement, &args);
        self.after_the_others(asked).await
    }

    pub(super) async fn query(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.send_group().await?;
        let statement = self.statement(sql).await?;
        let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
        let asked = self.client.query(&statement, &args);
        self.after_the_others(asked).await
    }

    /// Runs one statement for each list of values, pipelined, and returns the rows of each.
    pub(super) async fn each(
        &mut self,
        sql: &'static str,
        lists: &[Vec<Arg<'_>>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.send_group().await?;
        let statement = &self.statement(sql).await?;
        let client = self.client;
        let mut answers = Vec::with_capacity(lists.len());
        for some in lists.chunks(UNANSWERED) {
            let asked = some.iter().map(|args| async move {
                let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
                client.query(statement, &args).await
            });
            let asked = futures_util::future::join_all(asked);
            let found = self.after_the_others(asked.map(Ok)).await?;
            for rows in found {
                answers.push(rows?);
            }
        }
        Ok(answers)
    }

    /// Sends the request behind the unanswered ones and waits for all. The error of an earlier statement takes
    /// precedence, since later ones only report that the transaction is aborted.
    async fn after_the_others<T>(
        &mut self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
    ) -> Result<T, StoreError> {
        let mut asked = Box::pin(asked);
        let early = send(asked.as_mut()).await;
        self.answers().await?;
        Ok(match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => asked.await,
        }?)
    }

    /// Sends a statement whose row count is not needed. Statements that only change rows of one table each are
    /// grouped into one: the server's cost per statement is higher than its cost per row.
    pub(super) async fn put(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), StoreError> {
        let args: Vec<OwnedArg> = args.iter().map(OwnedArg::from).collect();
        let Some(table) = independent(sql) else {
            self.send_group().await?;
            return self.send_alone(sql, args).await;
        };
        // Parts of one statement do not see each other's changes, so a group has each table once.
        if self.group.len() >= GROUP || self.group.iter().any(|other| other.table == table) {
            self.send_group().await?;
        }
        self.group.push(Grouped { sql, table, args });
        Ok(())
    }

    async fn send_alone(&mut self, sql: &str, args: Vec<OwnedArg>) -> Result<(), StoreError> {
        let statement = self.statement(sql).await?;
        if self.unanswered.len() >= UNANSWERED {
            self.answers().await?;
        }
        let client = self.client;
        self.add(async move { client.execute_raw(&statement, args.iter()).await }.boxed()).await
    }

    /// Sends a request, whose answer is waited for with the next ones.
    async fn add(&mut self, mut asked: BoxFuture<'c, Answer>) -> Result<(), StoreError> {
        match send(asked.as_mut()).await {
            Poll::Ready(answer) => drop(answer?),
            Poll::Pending => self.unanswered.push(asked),
        }
        Ok(())
    }

    async fn send_group(&mut self) -> Result<(), StoreError> {
        let mut group = std::mem::take(&mut self.group);
        match group.len() {
            0 => Ok(()),
            1 => {
                let Some(only) = group.pop() else { return Ok(()) };
                self.send_alone(only.sql, only.args).await
            }
            _ => {
                let sql = joined(group.iter().map(|one| (one.sql, one.args.len())));
                self.send_alone(&sql, group.into_iter().flat_map(|one| one.args).collect()).await
            }
        }
    }

    /// Sends the pending group and waits for all answers; returns the first error.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        self.send_group().await?;
        self.answers().await
    }

    async fn answers(&mut self) -> Result<(), StoreError> {
        self.first_error().await.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Waits for all answers. After the first error each reports only that the transaction is aborted.
    async fn first_error(&mut self) -> Option<tokio_postgres::Error> {
        let mut first = None;
        for asked in self.unanswered.drain(..) {
            let failed = asked.await.err();
            first = first.or(failed);
        }
        first
    }

    /// Discards the answers of a savepoint that is rolled back; only a lost connection or server is still an error.
    pub(super) async fn forget_errors(&mut self) -> Result<(), StoreError> {
        self.group.clear();
        match self.answers().await {
            Err(error @ (StoreError::Unavailable(_) | StoreError::ReadOnly(_))) => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) async fn prepare(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.client.prepare(sql).await?;
        Ok(())
    }

    /// The generic plan, made without knowing the parameters' values.
    pub(super) async fn plan(&mut self, sql: &'static str) -> Result<Vec<String>, StoreError> {
        let parameters = self.client.prepare(sql).await?.params().len();
        let nothing = if parameters == 0 {
            String::new()
        } else {
            format!("({})", vec!["null"; parameters].join(", "))
        };
        let ask = format!("set local plan_cache_mode = force_generic_plan; prepare looked_at as {sql}");
        self.client.batch_execute(&ask).await?;
        let rows = self.client.query(&format!("explain execute looked_at{nothing}"), &[]).await?;
        self.client.batch_execute("deallocate looked_at").await?;
        rows.iter().map(|row| row.try_get(0).map_err(StoreError::from)).collect()
    }
}

impl Drop for Pipeline<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            // Asked once, it is on its way. Whoever gets the connection next is behind it.
            let _ = self.client.batch_execute("rollback").now_or_never();
        }
    }
}

/// The table of a statement that writes given values or changes rows by key, and reads no other table.
fn independent(sql: &'static str) -> Option<&'static str> {
    let mut words = sql.split_whitespace();
    let table = match (words.next()?, words.next()?) {
        ("insert", "into") | ("delete", "from") => words.next()?,
        ("update", table) => table,
        _ => return None,
    };
    // Parts of one statement run in no defined order, but a queue's row must be locked before the rows of its jobs.
    let in_order = ["queues", "jobs"].contains(&table);
    (!in_order && !sql.contains("select ")).then_some(table)
}

/// Joins statements into one and renumbers their parameters: `with w0 as (…), w1 as (…) select`.
fn joined<'s>(parts: impl Iterator<Item = (&'s str, usize)>) -> String {
    let (mut text, mut before) = (String::new(), 0);
    for (number, (sql, parameters)) in parts.enumerate() {
        text.push_str(if number == 0 { "with " } else { ", " });
        let _ = write!(text, "w{number} as (");
        let mut rest = sql;
        while let Some((start, end)) = rest.split_once('$') {
            text.push_str(start);
            let digits = end.len() - end.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let place: usize = end[..digits].parse().unwrap_or_default();
            let _ = write!(text, "${}", place + before);
            rest = &end[digits..];
        }
        text.push_str(rest);
        text.push(')');
        before += parameters;
    }
    text.push_str(" select");
    text
}

/// Polls a request once, which hands it to the connection's task.
async fn send<F: Future + ?Sized>(mut asked: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statements_that_look_at_nothing_else_are_joined() {
        assert_eq!(independent("insert into events (a) values ($1)"), Some("events"));
        assert_eq!(independent("update turns set a = $2 where id = $1"), Some("turns"));
        assert_eq!(independent("delete from reads where a = $1"), Some("reads"));
        for apart in [
            "delete from jobs where id = $1",
            "update queues set a = $2 where id = $1",
            "insert into jobs (a) values (case when exists (select 1 from jobs) then 1 end)",
            "savepoint part",
        ] {
            assert_eq!(independent(apart), None, "{apart}");
        }
    }

    #[test]
    fn joined_statements_have_their_parameters_numbered_on() {
        let parts = [("insert into a (x, y) values ($1, $2)", 2), ("update b set z = $2 where id = $1", 2)];
        let text = joined(parts.into_iter());
        assert_eq!(
            text,
            "with w0 as (insert into a (x, y) values ($1, $2)), w1 as (update b set z = $4 where id = $3) select"
        );
    }
}
