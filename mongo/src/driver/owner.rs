//! The document that says whose the history is. It is replaced by whoever knows its term, in one step.

use mongodb::bson::{Bson, DateTime, Document, doc};

use super::{Fault, History, OWNER, majority};
use crate::owner::Owner;

const ID: &str = "owner";
/// It is there already.
const DUPLICATE: i32 = 11000;

impl History {
    /// Whose it is; `None`: nobody has had it yet.
    pub async fn owner(&self) -> Result<Option<Owner>, Fault> {
        let collection = self.collection(OWNER);
        let find = collection.find_one(doc! { "_id": ID });
        let found = self.within(find.into_future()).await?;
        Ok(found.as_ref().map(read))
    }

    /// Writes the owner if the document's term is still `was` (`None`: if there is no document). `false`: it is another one by
    /// now, and nothing was written.
    pub async fn hand_on(&self, was: Option<&str>, owner: &Owner) -> Result<bool, Fault> {
        let mut document = doc! {
            "_id": ID,
            "term": &owner.term,
            "before": owner.before.clone(),
            "installation": &owner.installation,
            "epoch": &owner.epoch,
            "machine": &owner.machine,
            "at": DateTime::from_millis(owner.at),
        };
        let command = if let Some(term) = was {
            document.remove("_id");
            let update = doc! { "q": { "_id": ID, "term": term }, "u": { "$set": document } };
            doc! { "update": OWNER, "updates": [update], "writeConcern": majority() }
        } else {
            doc! { "insert": OWNER, "documents": [document], "writeConcern": majority() }
        };
        let said = self.command(command).await?;
        let failed = said.get_array("writeErrors").ok().and_then(|errors| errors.first());
        if let Some(error) = failed.and_then(Bson::as_document) {
            if error.get_i32("code").is_ok_and(|code| code == DUPLICATE) {
                return Ok(false);
            }
            return Err(Fault::Refused(error.get_str("errmsg").unwrap_or("a write failed").to_owned()));
        }
        if let Some(fault) = Fault::of_concern(&said) {
            return Err(fault);
        }
        Ok(match said.get("n") {
            Some(Bson::Int32(count)) => *count > 0,
            Some(Bson::Int64(count)) => *count > 0,
            Some(Bson::Double(count)) => *count > 0.0,
            _ => false,
        })
    }
}

/// What is not as we write it has no term that anybody knows.
fn read(document: &Document) -> Owner {
    let text = |name: &str| document.get_str(name).unwrap_or_default().to_owned();
    let before = document.get_array("before").into_iter().flatten().filter_map(Bson::as_str);
    Owner {
        term: text("term"),
        before: before.map(str::to_owned).collect(),
        installation: text("installation"),
        epoch: text("epoch"),
        machine: text("machine"),
        at: document.get_datetime("at").map_or(0, |at| at.timestamp_millis()),
    }
}
