//! Names of companies, channels and API keys, a page at a time by ascending tenant and id, for operators who look a
//! row up by its name. Names are not unique; the caller handles several matches.

use uuid::Uuid;

use super::value::from_row;
use super::{Tx, Verb};
use crate::args;
use crate::error::Error;

macro_rules! pages {
    ($table:literal, $and:literal) => {
        [
            concat!(
                "select id, tenant, name from ",
                $table,
                " where (tenant, id) > ($1, $2)",
                $and,
                " order by tenant, id limit $3"
            ),
            concat!(
                "select id, tenant, name from ",
                $table,
                " where tenant = $1 and id > $2",
                $and,
                " order by id limit $3"
            ),
        ]
    };
}

/// The statements for all tenants and for one.
const COMPANIES: [&str; 2] = pages!("companies", "");
const CHANNELS: [&str; 2] = pages!("channels", "");
const KEYS: [&str; 2] = pages!("api_keys", " and revoked_at is null");

pub const ALL: &[&str] = &[COMPANIES[0], COMPANIES[1], CHANNELS[0], CHANNELS[1], KEYS[0], KEYS[1]];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nameable {
    Company,
    Channel,
    /// An unrevoked key.
    ApiKey,
}

#[derive(Clone, Debug)]
pub struct NameRow {
    pub id: Uuid,
    pub tenant: Uuid,
    pub name: String,
}

from_row!(NameRow { id, tenant, name });

/// A page of names, of one tenant or of all.
pub struct ListNames {
    pub of: Nameable,
    pub tenant: Option<Uuid>,
    /// The tenant and id after which the page begins.
    pub after: (Uuid, Uuid),
    pub limit: i64,
}

impl Verb for ListNames {
    type Out = Vec<NameRow>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let [all, one] = match self.of {
            Nameable::Company => COMPANIES,
            Nameable::Channel => CHANNELS,
            Nameable::ApiKey => KEYS,
        };
        let (of, after) = self.after;
        Ok(match self.tenant {
            Some(tenant) => tx.all(one, args![tenant, after, self.limit]).await,
            None => tx.all(all, args![of, after, self.limit]).await,
        }?)
    }
}
