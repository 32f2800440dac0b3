//! Downloads an attachment into the library. The message is already visible; a `message.updated` event reports the
//! file or the failure.

use std::time::Duration;

use adapters::{FetchError, Fetched, MediaRef};
use anyhow::Context as _;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::{end, retry};
use crate::announce;
use crate::error::Error;
use crate::files::pixels;
use crate::model::EventKind;
use crate::private;
use crate::store::jobs::{self, FetchMedia, Job};
use crate::store::{Tx, Verb, attachments, conversations, messages, storage};

const LONGEST_WAIT_MS: i64 = 600_000;

impl Work for FetchMedia {
    /// For more than an hour.
    const TRIES: i64 = 20;
    /// `media_timeout_ms` is one.
    const LIMIT: Option<Duration> = None;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        fetch_and_record(env, job).await
    }

    async fn given_up(tx: &mut Tx<'_>, job: &Job, reason: &str) -> Result<(), Error> {
        attachments::failed(tx, job.tenant, job.subject, reason).await?;
        announce_file(tx, job).await
    }

    async fn revived(tx: &mut Tx<'_>, job: &Job) -> Result<(), Error> {
        attachments::wait_again(tx, job.tenant, job.subject).await?;
        announce_file(tx, job).await
    }
}

/// Emits `message.updated` for the attachment's message.
async fn announce_file(tx: &mut Tx<'_>, job: &Job) -> Result<(), Error> {
    let Some(stored) = attachments::load(tx, job.tenant, job.subject).await? else { return Ok(()) };
    let Some(message) = messages::load(tx, job.tenant, stored.message).await? else { return Ok(()) };
    if let Some(mut conversation) = conversations::load(tx, job.tenant, message.conversation).await? {
        announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)?;
    }
    Ok(())
}

async fn fetch_and_record(env: &Env, job: &Job) -> Result<(), Error> {
    let Some((channel, source)) =
        env.store.read(LoadAttachment { tenant: job.tenant, attachment: job.subject }).await?
    else {
        let usual = usual_limits(env);
        env.store.write(FinishFetch { job: job.clone(), end: FetchOutcome::Gone, usual }).await?;
        return Ok(());
    };
    // Checked before the download to save the transfer; the transaction that records the file decides.
    let usual = usual_limits(env);
    if !env.store.read(HasStorageRoom { tenant: job.tenant, usual }).await? {
        let end = FetchOutcome::Failed { reason: FULL.to_owned(), for_good: false };
        env.store.write(FinishFetch { job: job.clone(), end, usual }).await?;
        return Ok(());
    }
    let end = match fetch(env, job, channel, &source).await {
        Ok((fetched, path, pixels)) => FetchOutcome::Ready { fetched, path, pixels },
        Err(error) if error.retryable() && job.tries < FetchMedia::TRIES => {
            let random = env.store.ids().next().as_u128() as u64;
            let wait_ms = retry::wait_ms(job.tries, 2_000, LONGEST_WAIT_MS, random);
            FetchOutcome::Retry { wait_ms, reason: error.to_string() }
        }
        Err(error) => FetchOutcome::Failed { reason: error.to_string(), for_good: !error.retryable() },
    };
    let path = if let FetchOutcome::Ready { path, .. } = &end { Some(path.clone()) } else { None };
    let is_kept = env.store.write(FinishFetch { job: job.clone(), end, usual }).await?.value;
    if let Some(path) = path.filter(|_| !is_kept)
        && let Err(error) = env.files.libraries.delete(&path).await
    {
        tracing::warn!(%error, path, "an unrecorded file cannot be removed; the sweep removes it");
    }
    Ok(())
}

/// The reason shown on an attachment when the tenant's storage is full.
const FULL: &str = "the storage of this account is full: ask whoever runs this server for more room, then fetch the file \
    again";

/// The default limits, in bytes and files, of a tenant without its own.
fn usual_limits(env: &Env) -> (i64, i64) {
    let number = |most: u64| i64::try_from(most).unwrap_or(i64::MAX);
    (number(env.config.storage.max_bytes), number(env.config.storage.max_files))
}

/// Whether the tenant's storage has room for at least one file of one byte.
struct HasStorageRoom {
    tenant: Uuid,
    usual: (i64, i64),
}

impl Verb for HasStorageRoom {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(storage::of(tx, self.tenant).await?.is_none_or(|storage| storage.has_room(self.usual, 1, 1)))
    }
}

/// Downloads into the staging folder and puts it into the library when it is complete. Gives where it is there, and a
/// picture's size.
async fn fetch(
    env: &Env,
    job: &Job,
    channel: Uuid,
    source: &str,
) -> Result<(Fetched, String, Option<(i64, i64)>), FetchError> {
    let broken = |error: anyhow::Error| FetchError::Unavailable(format!("{error:#}").into());
    let connected = env
        .channels
        .ready(job.tenant, channel)
        .await
        .map_err(|error| FetchError::Unavailable(error.to_string().into()))?;
    let connected = connected.ok_or(FetchError::Gone)?;
    let provider = adapters::provider(&connected.channel.kind).ok_or(FetchError::Gone)?;
    let media: MediaRef = serde_json::from_str(source).map_err(|_| FetchError::Gone)?;
    let part = env.files.staging.place(job.tenant, job.subject);
    if let Some(folder) = part.parent() {
        private::create_dir(folder).context("the folder for uploads").map_err(broken)?;
    }
    let mut options = fs::OpenOptions::from(private::create_options());
    let sink = options.truncate(true).open(&part).await;
    let mut sink = sink.context("the folder for uploads").map_err(broken)?;
    let limit = env.config.calls.media_max_bytes.min(provider.limits().max_download_bytes);
    let account = connected.secrets.account();
    let within = Duration::from_millis(env.config.calls.media_timeout_ms);
    let fetched =
        tokio::time::timeout(within, provider.fetch(&env.http, &account, &media, limit, &mut sink)).await;
    let fetched = fetched.unwrap_or_else(|_| Err(FetchError::Unavailable("it took too long".into())));
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(error) => {
            let _ = fs::remove_file(&part).await;
            return Err(error);
        }
    };
    let path = env.files.libraries.path(&format!("{}/{}", job.tenant, job.subject));
    let kept = async {
        sink.flush().await?;
        let (at, mime) = (part.clone(), fetched.mime.clone());
        let pixels = tokio::task::spawn_blocking(move || pixels(&at, &mime)).await?;
        env.files.libraries.put(&path, &part).await?;
        let _ = env.files.staging.remove(job.tenant, job.subject).await;
        anyhow::Ok(pixels)
    };
    let pixels = kept.await.context("the file cannot be kept").map_err(broken)?;
    Ok((fetched, path, pixels))
}

struct LoadAttachment {
    tenant: Uuid,
    attachment: Uuid,
}

impl Verb for LoadAttachment {
    type Out = Option<(Uuid, String)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some(stored) = attachments::load(tx, self.tenant, self.attachment).await? else {
            return Ok(None);
        };
        let place = attachments::place(tx, self.tenant, self.attachment).await?;
        Ok(place.map(|(_, channel)| (channel, stored.source)))
    }
}

enum FetchOutcome {
    Ready {
        fetched: Fetched,
        path: String,
        pixels: Option<(i64, i64)>,
    },
    Retry {
        wait_ms: i64,
        reason: String,
    },
    /// `for_good`: a retry cannot help, so the job is removed. Otherwise it is given up, and a person can retry it.
    Failed {
        reason: String,
        for_good: bool,
    },
    Gone,
}

struct FinishFetch {
    job: Job,
    end: FetchOutcome,
    /// The default storage limits, in bytes and files.
    usual: (i64, i64),
}

impl Verb for FinishFetch {
    /// `true` if the file was recorded. Otherwise the caller removes it.
    type Out = bool;

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let (id, tenant) = (self.job.subject, self.job.tenant);
        match &self.end {
            FetchOutcome::Retry { wait_ms, reason } => {
                let at = tx.now() + wait_ms;
                jobs::release(tx, &self.job, at, Some(reason)).await?;
                return Ok(false);
            }
            FetchOutcome::Gone => {
                jobs::done(tx, &self.job).await?;
                return Ok(false);
            }
            FetchOutcome::Failed { reason, for_good: false } => {
                end::give_up(tx, &self.job, reason).await?;
                return Ok(false);
            }
            FetchOutcome::Failed { reason, for_good: true } => {
                attachments::failed(tx, tenant, id, reason).await?;
            }
            FetchOutcome::Ready { fetched, path, pixels } => {
                let size = i64::try_from(fetched.size).unwrap_or(i64::MAX);
                // An edit replaced the attachment during the download.
                let Some(before) = attachments::load(tx, tenant, id).await? else {
                    jobs::done(tx, &self.job).await?;
                    return Ok(false);
                };
                // A refetched file replaces the stored one: only the difference counts.
                let (bytes, files) = before.takes();
                let storage = storage::of(tx, tenant).await?;
                if storage.is_some_and(|storage| !storage.has_room(self.usual, size - bytes, 1 - files)) {
                    storage::add(tx, tenant, -bytes, -files).await?;
                    end::give_up(tx, &self.job, FULL).await?;
                    return Ok(false);
                }
                storage::add(tx, tenant, size - bytes, 1 - files).await?;
                let name = fetched.name.as_deref();
                attachments::ready(tx, (tenant, id), &fetched.mime, name, size, path, *pixels).await?;
            }
        }
        jobs::done(tx, &self.job).await?;
        announce_file(tx, &self.job).await?;
        Ok(true)
    }
}
