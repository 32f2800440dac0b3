//! `hubbub inspect`: shows the events of a captured webhook body, or checks its signature. It opens no database.
//!
//! Exit codes, for scripts: 0 done or valid; 1 the signature is invalid, or the provider is unknown; 2 the body is not
//! JSON, or an argument cannot be used; 3 the provider is known but not implemented.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapters::InspectError;
use anyhow::Context as _;
use clap::Args;

use super::print;
use crate::clock::Clock;

/// Bytes of a body; captured ones are far smaller.
const MAX_BODY: u64 = 64 * 1024 * 1024;

#[derive(Args)]
pub(super) struct Inspect {
    /// telegram, waha, …: show the normalised events of the body as a JSON array.
    #[arg(required_unless_present = "verify")]
    provider: Option<String>,
    /// What the hub would know beside the body, a JSON object.
    #[arg(long, value_name = "FILE", requires = "provider")]
    context: Option<PathBuf>,
    /// Check the signature instead: meta_sha256, waha_sha512, telegram_secret_token, stripe_v1, pubsub_oidc.
    #[arg(long, value_name = "SCHEME", conflicts_with = "provider", requires = "headers")]
    verify: Option<String>,
    /// The request's headers, a JSON object of texts or arrays of texts.
    #[arg(long, value_name = "FILE", requires = "verify")]
    headers: Option<PathBuf>,
    #[arg(long, requires = "verify", allow_hyphen_values = true)]
    secret: Option<String>,
    /// For pubsub_oidc: a JSON object with `jwks`, `audience` and `service_account`.
    #[arg(long, value_name = "FILE", requires = "verify")]
    oidc_config: Option<PathBuf>,
    /// The time of the check in Unix seconds, instead of now.
    #[arg(long, value_name = "T", requires = "verify", allow_hyphen_values = true)]
    now: Option<i64>,
}

impl Inspect {
    pub(super) fn run(self) -> ExitCode {
        self.answer().unwrap_or_else(|error| {
            eprintln!("hubbub: {error:#}");
            ExitCode::from(2)
        })
    }

    fn answer(self) -> anyhow::Result<ExitCode> {
        let mut body = Vec::new();
        std::io::stdin().take(MAX_BODY + 1).read_to_end(&mut body).context("standard input")?;
        anyhow::ensure!(body.len() as u64 <= MAX_BODY, "the body is larger than {MAX_BODY} bytes");
        match self.verify.as_deref() {
            Some(scheme) => self.verify(scheme, &body),
            None => self.events(&body),
        }
    }

    fn events(&self, body: &[u8]) -> anyhow::Result<ExitCode> {
        let context = self.context.as_deref().map(read).transpose()?;
        let provider = self.provider.as_deref().unwrap_or_default();
        let code = match adapters::inspect(provider, context.as_deref(), body) {
            Ok(events) => {
                print(&events)?;
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) => {
                eprintln!("hubbub: {error}");
                match error {
                    InspectError::NotJson(_) | InspectError::BadContext(_) => 2,
                    InspectError::NotBuilt(_) => 3,
                    InspectError::UnknownProvider(_) => 1,
                }
            }
        };
        Ok(ExitCode::from(code))
    }

    fn verify(&self, scheme: &str, body: &[u8]) -> anyhow::Result<ExitCode> {
        let headers = self.headers.as_deref().map(read).transpose()?.unwrap_or_default();
        let oidc_config = self.oidc_config.as_deref().map(read).transpose()?;
        let now = self.now.unwrap_or_else(|| Clock::System.now_ms() / 1000);
        let (secret, oidc_config) = (self.secret.as_deref(), oidc_config.as_deref());
        match adapters::inspect_verify(scheme, &headers, secret, oidc_config, Some(now), body) {
            Ok(()) => {
                print("valid")?;
                Ok(ExitCode::SUCCESS)
            }
            Err(why) => {
                print(&format!("invalid: {why}"))?;
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
