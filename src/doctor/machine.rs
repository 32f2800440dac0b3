//! Of this machine: the configuration's own warnings, file descriptors, disk space.

use std::path::Path;

use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::{Judged, Patient};
use crate::app::installation;

/// Descriptors under which a server refuses connections soon, and those for some thousand sockets.
const FEW_DESCRIPTORS: u64 = 1_024;
const ENOUGH_DESCRIPTORS: u64 = 10_000;

/// Free bytes.
const LITTLE_DISK: u64 = 200 << 20;
const ENOUGH_DISK: u64 = 2 << 30;

pub(super) fn configuration(patient: &Patient<'_>) -> Judged {
    let mut warnings = patient.config.warnings();
    warnings.extend(installation::open_to_others(patient.config));
    if warnings.is_empty() {
        return Judged::ok("valid");
    }
    let each = |judged: Judged, warning| judged.and_warn(warning, "see `hubbub default-config`");
    warnings.into_iter().fold(Judged::default(), each)
}

pub(super) fn descriptors() -> Judged {
    // The server raises the limit to the most that it may have.
    let most = getrlimit(Resource::Nofile).maximum;
    let Some(most) = most else { return Judged::ok("no limit") };
    let what = format!("at most {most} file descriptors: one for each connection");
    let advice = "raise it: LimitNOFILE=65536 of systemd, `ulimits` of Docker, or `ulimit -Hn 65536`";
    match most {
        0..FEW_DESCRIPTORS => Judged::fail(what, advice),
        FEW_DESCRIPTORS..ENOUGH_DESCRIPTORS => Judged::warn(what, advice),
        _ => Judged::ok(what),
    }
}

pub(super) fn disk(patient: &Patient<'_>) -> Judged {
    let folder = &patient.config.store.data_dir;
    // The folder is made at the first start.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let about = match statvfs(there) {
        Ok(about) => about,
        Err(error) => {
            return Judged::fail(
                format!("{} cannot be looked at: {error}", there.display()),
                "name another data_dir, or let the server's user in",
            );
        }
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let what = format!("{} has {} MiB free", folder.display(), free >> 20);
    let advice =
        "make room or enlarge the disk: on a full one webhooks are answered 503 and nothing is stored";
    match free {
        0..LITTLE_DISK => Judged::fail(what, advice),
        LITTLE_DISK..ENOUGH_DISK => Judged::warn(what, advice),
        _ => Judged::ok(what),
    }
}
