//! Calling a method of the Bot API. The token is part of every address, so no address leaves this module.

use serde_json::Value;

use super::errors::{Reply, judge};
use crate::{
    Account, Client,
    call::{Failure, call},
    media,
    outward::{self, RequestBuilder},
    provider::Upload,
    upload::{self, Around},
    words::HIDDEN,
};

pub(super) const DEFAULT_BASE: &str = "https://api.telegram.org";

/// Where a bot's methods and files are.
pub(super) struct Api<'a> {
    http: &'a Client,
    base: String,
    token: &'a str,
    files_base: Option<String>,
    /// What else no answer may quote.
    pub(super) hook_secret: &'a str,
}

impl<'a> Api<'a> {
    pub(super) fn of(http: &'a Client, account: &'a Account) -> Result<Self, Failure> {
        let token = account.get("token").ok_or_else(|| Failure::setting("token", "is missing"))?;
        // Anything else would change the address that is built from it.
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-')) {
            return Err(Failure::setting("token", "is not a bot token"));
        }
        let base = address(account.get("api_base").unwrap_or(DEFAULT_BASE), "api_base")?;
        let files_base = account.get("files_base").map(|base| address(base, "files_base")).transpose()?;
        Ok(Self { http, base, token, files_base, hook_secret: "" })
    }

    pub(super) async fn call(&self, method: &str, parameters: &Value) -> Result<Reply, Failure> {
        let address = format!("{}/bot{}/{method}", self.base, self.token);
        let answer = call(self.http.post(address).json(parameters)).await?;
        // Folders are named after the token, on Windows with another sign in it.
        let answer = answer.hiding(self.token).hiding(&self.token.replace(':', "~")).hiding(self.hook_secret);
        judge(answer.status, &answer.body)
    }

    /// As [`call`](Self::call), with a file in a form.
    pub(super) async fn upload(&self, method: &str, around: Around, file: &Upload) -> Result<Reply, Failure> {
        let address = format!("{}/bot{}/{method}", self.base, self.token);
        let answer = upload::send(self.http.post(address), around, file).await?;
        let answer = answer.hiding(self.token).hiding(&self.token.replace(':', "~")).hiding(self.hook_secret);
        judge(answer.status, &answer.body)
    }

    /// A request for the file that `getFile` named. A server of one's own that runs with `--local` gives the place on
    /// its disk; what is served is the bot's folder there.
    pub(super) fn file(&self, path: &FilePath) -> RequestBuilder {
        match (path, &self.files_base) {
            (FilePath::OnDisk(path), Some(base)) => self.http.get(format!("{base}/{path}")),
            (FilePath::OnDisk(path) | FilePath::Relative(path), _) => {
                self.http.get(format!("{}/file/bot{}/{path}", self.base, self.token))
            }
        }
    }

    /// Why the path of a file cannot be asked for.
    pub(super) fn file_path(&self, path: &str) -> Result<FilePath, &'static str> {
        const ELSEWHERE: &str = "the Bot API names a path that leads out of the bot's files";
        let is_windows = path.as_bytes().get(1..3) == Some(b":\\");
        if !path.starts_with('/') && !is_windows {
            return escaped(path).map(FilePath::Relative).ok_or(ELSEWHERE);
        }
        let path = if is_windows { path.replace('\\', "/") } else { path.to_owned() };
        // The bot's folder has the token as its name, which no answer keeps.
        let below = path.split_once(&format!("/{HIDDEN}/")).map(|(_, rest)| rest);
        match (below, &self.files_base) {
            (Some(rest), _) => escaped(rest).map(FilePath::OnDisk).ok_or(ELSEWHERE),
            (None, Some(_)) => escaped(path.trim_start_matches('/')).map(FilePath::OnDisk).ok_or(ELSEWHERE),
            (None, None) => Err(
                "the Bot API server keeps the file on its own disk, outside of the bot's folder; the channel's \
                 files_base has to name the address where its files are served",
            ),
        }
    }
}

/// A base address that a channel was given, without a slash at its end.
fn address(given: &str, name: &'static str) -> Result<String, Failure> {
    let base = outward::base(given).map_err(|why| Failure::setting(name, &why.to_string()))?;
    Ok(base.as_str().trim_end_matches('/').to_owned())
}

/// A file's path, its segments escaped.
pub(super) enum FilePath {
    Relative(String),
    OnDisk(String),
}

/// Every segment escaped; `None` for a path that would climb.
fn escaped(path: &str) -> Option<String> {
    let plain = |segment: &str| {
        let climbs = matches!(segment, "" | "." | "..");
        (!climbs && !segment.contains(|c: char| c.is_control() || c == '\\'))
            .then(|| media::segment(segment.as_bytes()))
    };
    path.split('/').map(plain).collect::<Option<Vec<_>>>().map(|segments| segments.join("/"))
}
