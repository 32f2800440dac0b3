//! The templates of a WhatsApp Business account, as Meta lists them.

use serde_json::Value;

use super::send::Number;
use crate::{Account, Client, SendError, TemplateInfo, call::Failure, json as read};

const FIELDS: &str = "name,language,status,category,components";
/// More than an account may have for each number.
const MAX: usize = 1_000;

pub(super) async fn list(http: &Client, account: &Account) -> Result<Vec<TemplateInfo>, SendError> {
    let waba = account.get("waba_id").ok_or_else(|| {
        Failure::setting("waba_id", "is missing: the templates belong to the WhatsApp Business account")
    })?;
    let number = Number::of(http, account)?;
    let found = number.graph.list(&[waba, "message_templates"], &[("fields", FIELDS)]).await?;
    Ok(found.iter().take(MAX).filter_map(info).collect())
}

/// Without a name or a language nobody could send it.
fn info(one: &Value) -> Option<TemplateInfo> {
    Some(TemplateInfo {
        name: read::text(one, "name")?,
        language: read::text(one, "language")?,
        category: read::text(one, "category").unwrap_or_default(),
        state: read::text(one, "status").unwrap_or_default(),
        components: read::list(one, "components").to_vec(),
    })
}
