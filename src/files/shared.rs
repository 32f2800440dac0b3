//! Whether the nodes of an installation see each other's files, in words: for the start, which refuses a node that does not,
//! and for the doctor.

use crate::config::{Config, redacted};
use crate::store::nodes::{Node, SILENT_MS};

pub fn is_in_bucket(config: &Config) -> bool {
    config.files.file_library == "s3"
}

/// Where this server writes files to.
pub fn place(config: &Config) -> String {
    let files = &config.files;
    if is_in_bucket(config) {
        let endpoint = redacted(&files.s3_endpoint);
        return format!("the bucket {} ({endpoint}/{})", files.s3_bucket, files.s3_prefix);
    }
    format!("the folder {}", config.media_dir().display())
}

/// What has this mark.
pub fn kind(mark: &str) -> &'static str {
    if mark.starts_with("folder:") { "folder" } else { "bucket" }
}

/// Why a node and this server, which reads what has these marks, are apart.
pub fn apart(config: &Config, readable: &[String], other: &Node) -> String {
    let theirs = other.library.as_ref().filter(|mark| !readable.contains(mark));
    let why = match theirs {
        Some(mark) => format!(
            "writes files to a {} that this server, whose files are in {}, does not see",
            kind(mark),
            place(config)
        ),
        None => format!("does not see {}, where this server would write files to", place(config)),
    };
    format!("the node {} ({}), which runs on the same database, {why}", other.name, other.address)
}

/// What to do about it.
pub fn remedy() -> String {
    format!(
        "Give all nodes one data_dir on a shared file system, or one bucket (file_library = \"s3\", s3_bucket); to change \
         from one to the other, name the bucket on all of them first. If that node is gone, start this one again {} \
         seconds after its end. See docs/scaling.md",
        SILENT_MS / 1_000
    )
}
