//! Pairing a channel's account with a phone: the codes go to the channel's room as the provider refreshes them, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use adapters::{HealthState, Provider, Remedy, SendError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub::Tags;
use serde::Deserialize;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout};
use utoipa::ToSchema;

use super::At;
use super::answer::Nothing;
use crate::accounts::Scope;
use crate::app::AppState;
use crate::channels::cache::Connected;
use crate::channels::connect::connect as connect_channel;
use crate::channels::pairing::Turn;
use crate::error::Error;
use crate::model::{PairingState, RoomFrame};
use crate::rooms;

const TICK: Duration = Duration::from_secs(1);
const CALL_LIMIT: Duration = Duration::from_secs(10);
const NO_ANSWER: &str = "the provider does not answer";
/// The provider shows the first code for a minute and each further one for 20 seconds.
const FIRST_CODE_MS: i64 = 60_000;
const NEXT_CODE_MS: i64 = 20_000;
/// Six codes, and the start and the end.
const LONGEST: Duration = Duration::from_mins(4);
/// Without anybody in the room it ends.
const UNWATCHED: Duration = Duration::from_secs(10);

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairBody {
    /// The phone's number, for a code to be typed instead of scanned.
    phone: Option<String>,
}

pub async fn pair(at: At, body: PairBody) -> Result<Nothing, Error> {
    let At { app, scope, id, .. } = at;
    let phone = body.phone.map(|phone| phone.chars().filter(char::is_ascii_digit).collect::<String>());
    if phone.as_ref().is_some_and(|digits| !(6..=15).contains(&digits.len())) {
        return Err(Error::invalid("phone", "is a number with its country, of 6 to 15 digits"));
    }
    let connected = app.channels.by_id(scope.tenant(), id).await?.ok_or(Error::NotFound("channel"))?;
    let provider = adapters::provider(&connected.channel.kind).ok_or(Error::NotFound("provider"))?;
    let server = provider.pairs_at(&connected.secrets.account()).ok_or_else(|| {
        Error::conflict(
            "no_pairing",
            "accounts of this provider are not paired with a phone: connect the channel",
        )
    })?;
    let Some(turn) = app.pairings.begin(server, (scope.tenant(), id), phone)? else { return Ok(Nothing {}) };
    let (task, stop) = (Arc::clone(&app), app.soft.clone());
    app.tasks.spawn(async move {
        stop.run_until_cancelled(Run { app: task, scope, connected, provider, turn }.run()).await;
    });
    Ok(Nothing {})
}

struct Run {
    app: AppState,
    scope: Scope,
    connected: Arc<Connected>,
    provider: &'static dyn Provider,
    turn: Turn,
}

/// What those who watch see.
#[derive(Default)]
struct Shown {
    qr: Option<String>,
    code: Option<String>,
    attempt: u32,
    expires_at: Option<i64>,
    problem: Option<String>,
    code_problem: Option<String>,
}

impl Run {
    async fn run(self) {
        let (state, detail) = match self.follow().await {
            Ok(state) => (state, None),
            Err(why) => (PairingState::Failed, Some(why)),
        };
        if state == PairingState::Connected {
            // Learns whose account it is, and claims it.
            let app = &self.app;
            let (url, id) = (&app.config.server.public_url, self.connected.channel.id);
            let done = connect_channel(&app.store, &app.vault, &app.http, url, &self.scope, id).await;
            if let Err(error) = done {
                return self.show(PairingState::Failed, &Shown::default(), Some(error.to_string()));
            }
        }
        self.show(state, &Shown::default(), detail);
    }

    /// Shows each code until the account is linked, or until nobody scans or watches it.
    async fn follow(&self) -> Result<PairingState, String> {
        let account = self.connected.secrets.account();
        let (http, room) = (&self.app.http, rooms::pairing(self.connected.channel.id));
        let (begun, mut watched_at) = (Instant::now(), Instant::now());
        let (mut shown, mut restarts) = (Shown::default(), 0);
        while begun.elapsed() < LONGEST && watched_at.elapsed() < UNWATCHED {
            if !self.app.hub.presence(&room).is_empty() {
                watched_at = Instant::now();
            }
            let health = timeout(CALL_LIMIT, self.provider.health(http, &account)).await;
            let health = health.map_err(|_| NO_ANSWER.to_owned())?;
            let health = health.map_err(|error| error.reason.to_string())?;
            let detail = health.detail.to_string();
            let state = match health.state {
                HealthState::Up => return Ok(PairingState::Connected),
                HealthState::Starting => PairingState::Starting,
                HealthState::NeedsPerson => match self.provider.remedy(health.state, &detail) {
                    Some(Remedy::ConfirmPasskey) => PairingState::Passkey,
                    _ => PairingState::Scan,
                },
                // It ran through its codes.
                HealthState::Down if shown.attempt > 0 => return Ok(PairingState::TimedOut),
                HealthState::Down if restarts < 2 => {
                    restarts += 1;
                    let again = self.provider.pair_again(http, &account, restarts == 2);
                    let again = timeout(CALL_LIMIT, again).await;
                    again.map_err(|_| detail.clone())?.map_err(|error| error.reason.to_string())?;
                    PairingState::Starting
                }
                HealthState::Down => return Err(detail),
            };
            if state == PairingState::Scan {
                self.refresh(&mut shown).await;
            }
            self.show(state, &shown, Some(detail));
            sleep(TICK).await;
        }
        Ok(PairingState::TimedOut)
    }

    /// Takes the code that the provider has now. An error leaves the one before as long as it lasts, and is shown after that.
    async fn refresh(&self, shown: &mut Shown) {
        let account = self.connected.secrets.account();
        let http = &self.app.http;
        let now = self.app.store.clock().now_ms();
        match timeout(CALL_LIMIT, self.provider.pairing(http, &account)).await {
            Ok(Ok(Some(picture))) => {
                let qr = Some(format!("data:{};base64,{}", picture.mime, STANDARD.encode(&picture.bytes)));
                if qr != shown.qr {
                    let lasts_ms = if shown.attempt == 0 { FIRST_CODE_MS } else { NEXT_CODE_MS };
                    shown.attempt += 1;
                    shown.expires_at = Some(now + lasts_ms);
                    shown.qr = qr;
                }
                shown.problem = None;
            }
            // It has none yet.
            Ok(Ok(None)) => {}
            failed => {
                if shown.expires_at.is_none_or(|at| at <= now) {
                    (shown.qr, shown.expires_at) = (None, None);
                    shown.problem = Some(reason_of(failed));
                }
            }
        }
        if let Some(phone) = self.turn.wanted_phone() {
            match timeout(CALL_LIMIT, self.provider.pairing_code(http, &account, &phone)).await {
                Ok(Ok(code)) => (shown.code, shown.code_problem) = (code, None),
                failed => shown.code_problem = Some(reason_of(failed)),
            }
        }
    }

    /// Also shows again what was shown: somebody may have come meanwhile.
    fn show(&self, state: PairingState, shown: &Shown, detail: Option<String>) {
        let is_scan = state == PairingState::Scan;
        let frame = RoomFrame::Pairing {
            state,
            qr: shown.qr.clone().filter(|_| is_scan),
            code: shown.code.clone().filter(|_| is_scan),
            attempt: shown.attempt,
            expires_at: shown.expires_at.filter(|_| is_scan),
            detail,
            problem: shown.problem.clone().filter(|_| is_scan),
            code_problem: shown.code_problem.clone().filter(|_| is_scan),
        };
        if let Ok(data) = serde_json::to_vec(&frame) {
            let room = rooms::pairing(self.connected.channel.id);
            let topic = rooms::tenant(self.scope.tenant());
            self.app.hub.publish_ephemeral(Some(&topic), &room, data.into(), Tags::default());
        }
    }
}

/// Why a call gave no code.
fn reason_of<T>(failed: Result<Result<T, SendError>, Elapsed>) -> String {
    match failed {
        Ok(Err(error)) => error.reason.to_string(),
        _ => NO_ANSWER.to_owned(),
    }
}
