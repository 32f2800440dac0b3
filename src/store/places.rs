//! Finds the tenant and company of a row of which the caller knows only the id.
//!
//! Members of tenants and API keys search their own tenants. Only platform users and the command line search all
//! tenants, for most kinds through an index for that purpose.

use uuid::Uuid;

use super::value::Arg;
use super::{StoreError, Tx, accounts};
use crate::args;

/// Tenants that are queried at a time.
const PAGE: usize = 500;

/// The tenant of a row, and its company if it has one.
pub type Location = (Uuid, Option<Uuid>);

/// The statements that find the rows of one kind.
#[derive(Debug)]
pub struct Lookup {
    in_tenant: &'static str,
    /// `None`: the tenants are searched one after the other. Rows of such kinds are inserted too often to pay for an
    /// index that only operators use.
    anywhere: Option<&'static str>,
}

macro_rules! by_id {
    ($select:literal, $table:literal) => {
        Lookup {
            in_tenant: concat!($select, " where ", $table, ".tenant = $1 and ", $table, ".id = $2"),
            anywhere: Some(concat!($select, " where ", $table, ".id = $1")),
        }
    };
}

pub const COMPANY: Lookup = by_id!("select c.tenant, c.id from companies c", "c");
pub const CHANNEL: Lookup = by_id!("select h.tenant, h.company from channels h", "h");
pub const LINK: Lookup = Lookup {
    in_tenant: "select l.tenant, h.company from links l join channels h on h.tenant = l.tenant and h.id = l.channel \
        where l.tenant = $1 and l.id = $2",
    anywhere: None,
};
pub const API_KEY: Lookup = by_id!("select k.tenant, cast(null as uuid) from api_keys k", "k");
pub const CONVERSATION: Lookup = by_id!(
    "select c.tenant, h.company from conversations c join channels h on h.tenant = c.tenant and h.id = c.channel",
    "c"
);
pub const ATTACHMENT: Lookup = by_id!(
    "select c.tenant, h.company from attachments a join messages m on m.tenant = a.tenant and m.id = a.message \
     join conversations c on c.tenant = m.tenant and c.id = m.conversation \
     join channels h on h.tenant = c.tenant and h.id = c.channel",
    "a"
);
pub const FILE: Lookup = by_id!("select f.tenant, cast(null as uuid) from files f", "f");
pub const UPLOAD: Lookup = by_id!("select u.tenant, cast(null as uuid) from uploads u", "u");
pub const TURN: Lookup = Lookup {
    in_tenant: "select t.tenant, h.company from turns t join channels h on h.tenant = t.tenant and h.id = t.channel \
        where t.tenant = $1 and t.id = $2",
    anywhere: None,
};
pub const ENVELOPE: Lookup = Lookup {
    in_tenant: "select h.tenant, h.company from envelopes e join channels h on h.tenant = e.tenant and h.id = e.channel \
        where e.tenant = $1 and e.id = $2",
    anywhere: None,
};
pub const JOB: Lookup = Lookup {
    in_tenant: "select tenant, cast(null as uuid) from jobs where tenant = $1 and id = $2",
    anywhere: None,
};

pub const CONTACT: Lookup = Lookup {
    in_tenant: "select tenant, cast(null as uuid) from contacts where tenant = $1 and id = $2",
    anywhere: None,
};

/// The statements that name no tenant: see `tests/keys.rs`.
const ANYWHERE: [Option<&str>; 7] = [
    COMPANY.anywhere,
    CHANNEL.anywhere,
    API_KEY.anywhere,
    CONVERSATION.anywhere,
    ATTACHMENT.anywhere,
    FILE.anywhere,
    UPLOAD.anywhere,
];

pub const ALL: &[&str] = &[
    COMPANY.in_tenant,
    CHANNEL.in_tenant,
    API_KEY.in_tenant,
    CONVERSATION.in_tenant,
    ATTACHMENT.in_tenant,
    FILE.in_tenant,
    UPLOAD.in_tenant,
    TURN.in_tenant,
    ENVELOPE.in_tenant,
    JOB.in_tenant,
    LINK.in_tenant,
    CONTACT.in_tenant,
    known(ANYWHERE[0]),
    known(ANYWHERE[1]),
    known(ANYWHERE[2]),
    known(ANYWHERE[3]),
    known(ANYWHERE[4]),
    known(ANYWHERE[5]),
    known(ANYWHERE[6]),
];

const fn known(sql: Option<&'static str>) -> &'static str {
    match sql {
        Some(sql) => sql,
        None => "",
    }
}

impl Lookup {
    /// Finds the row if it belongs to one of these tenants.
    pub async fn within(
        &self,
        tx: &mut Tx<'_>,
        tenants: &[Uuid],
        id: Uuid,
    ) -> Result<Option<Location>, StoreError> {
        for some in tenants.chunks(PAGE) {
            let asked: Vec<_> = some.iter().map(|tenant| vec![Arg::from(*tenant), Arg::from(id)]).collect();
            let found = tx.each::<Location>(self.in_tenant, &asked).await?;
            if let Some(place) = found.into_iter().flatten().next() {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Finds the row in any tenant.
    pub async fn anywhere(&self, tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Location>, StoreError> {
        if let Some(sql) = self.anywhere {
            return tx.one(sql, args![id]).await;
        }
        let mut after = Uuid::nil();
        loop {
            let page = accounts::tenants(tx, after, PAGE as i64).await?;
            let tenants: Vec<_> = page.into_iter().map(|(tenant, ..)| tenant).collect();
            let Some(last) = tenants.last() else { return Ok(None) };
            after = *last;
            if let Some(place) = self.within(tx, &tenants, id).await? {
                return Ok(Some(place));
            }
        }
    }
}
