//! Statements of one PostgreSQL transaction. Those whose result nobody needs are sent and not waited for, so that
//! a verb costs as many round trips as it has questions, not as it has statements.

use std::pin::Pin;
use std::task::Poll;

use deadpool_postgres::Transaction;
use futures_util::future::{BoxFuture, FutureExt};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::StoreError;
use super::value::{Arg, OwnedArg};

/// Statements that may be under way unanswered: bounds what both sides keep of them.
const UNANSWERED: usize = 256;

type Answer = Result<u64, tokio_postgres::Error>;

pub(super) struct Pipeline<'c> {
    transaction: &'c Transaction<'c>,
    unanswered: Vec<BoxFuture<'c, Answer>>,
}

impl<'c> Pipeline<'c> {
    pub(super) fn new(transaction: &'c Transaction<'c>) -> Self {
        Self { transaction, unanswered: Vec::new() }
    }

    async fn statement(&mut self, sql: &'static str) -> Result<Statement, StoreError> {
        match self.transaction.prepare_cached(sql).await {
            Ok(statement) => Ok(statement),
            // After a failed statement nothing can be prepared: the reason is that statement's.
            Err(error) => {
                self.settle().await?;
                Err(error.into())
            }
        }
    }

    pub(super) async fn exec(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        let statement = self.statement(sql).await?;
        let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
        let asked = self.transaction.execute(&statement, &args);
        self.after_the_others(asked).await
    }

    pub(super) async fn query(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.statement(sql).await?;
        let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
        let asked = self.transaction.query(&statement, &args);
        self.after_the_others(asked).await
    }

    /// The rows of one statement for each list of values, asked all at once.
    pub(super) async fn each(
        &mut self,
        sql: &'static str,
        lists: &[Vec<Arg<'_>>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        let statement = &self.statement(sql).await?;
        let transaction = self.transaction;
        let mut answers = Vec::with_capacity(lists.len());
        for some in lists.chunks(UNANSWERED) {
            let asked = some.iter().map(|args| async move {
                let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
                transaction.query(statement, &args).await
            });
            let asked = futures_util::future::join_all(asked);
            let found = self.after_the_others(asked.map(Ok)).await?;
            for rows in found {
                answers.push(rows?);
            }
        }
        Ok(answers)
    }

    /// Sends it at once, with what was sent before; an earlier statement's error comes first, for this one can only
    /// say that there was one.
    async fn after_the_others<T>(
        &mut self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
    ) -> Result<T, StoreError> {
        let mut asked = Box::pin(asked);
        let early = send(asked.as_mut()).await;
        self.settle().await?;
        Ok(match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => asked.await,
        }?)
    }

    pub(super) async fn put(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), StoreError> {
        let statement = self.statement(sql).await?;
        if self.unanswered.len() >= UNANSWERED {
            self.settle().await?;
        }
        let args: Vec<OwnedArg> = args.iter().map(OwnedArg::from).collect();
        let transaction = self.transaction;
        let mut asked = async move { transaction.execute_raw(&statement, args.iter()).await }.boxed();
        match send(asked.as_mut()).await {
            Poll::Ready(answer) => drop(answer?),
            Poll::Pending => self.unanswered.push(asked),
        }
        Ok(())
    }

    /// Waits for every answer; the first error is the one that counts.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        let mut first = Ok(());
        for asked in self.unanswered.drain(..) {
            let answer = asked.await;
            if first.is_ok() {
                first = answer.map(drop);
            }
        }
        Ok(first?)
    }

    /// Waits for every answer of a part that is undone anyway; only a lost connection still matters.
    pub(super) async fn forget_errors(&mut self) -> Result<(), StoreError> {
        match self.settle().await {
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) async fn prepare(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.transaction.prepare(sql).await?;
        Ok(())
    }

    /// The plan that is made without knowing the values.
    pub(super) async fn plan(&mut self, sql: &'static str) -> Result<Vec<String>, StoreError> {
        let parameters = self.transaction.prepare(sql).await?.params().len();
        let nothing = if parameters == 0 {
            String::new()
        } else {
            format!("({})", vec!["null"; parameters].join(", "))
        };
        let ask = format!("set local plan_cache_mode = force_generic_plan; prepare looked_at as {sql}");
        self.transaction.batch_execute(&ask).await?;
        let rows = self.transaction.query(&format!("explain execute looked_at{nothing}"), &[]).await?;
        self.transaction.batch_execute("deallocate looked_at").await?;
        rows.iter().map(|row| row.try_get(0).map_err(StoreError::from)).collect()
    }
}

/// Polls a request once: from then on it is on its way.
async fn send<F: Future + ?Sized>(mut asked: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await
}
