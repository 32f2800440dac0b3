//! Moves a channel to another company of its tenant. What belongs to the channel is of the channel's company (conversations,
//! turns, what searches find, stored events), so all of it moves with this row. A job renews the sessions of those who see
//! some companies only; what happens from this commit on carries the new company.

use uuid::Uuid;

use super::settings::load;
use crate::accounts::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::Channel;
use crate::store::jobs::{self, RenewSessions, Slot};
use crate::store::{Tx, Verb, Wake, channels, places};

pub struct MoveChannel {
    pub scope: Scope,
    pub id: Uuid,
    pub company: Uuid,
}

impl Verb for MoveChannel {
    type Out = Channel;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Channel, Error> {
        let tenant = self.scope.tenant();
        let mut channel = load(tx, &self.scope, self.id).await?;
        let here = places::COMPANY.within(tx, &[tenant], self.company).await?;
        if here.is_none() || !self.scope.sees_company(self.company) {
            return Err(Error::invalid("company", "is not a company of this tenant"));
        }
        if channel.company == self.company {
            return Ok(channel);
        }
        channel.company = self.company;
        channels::move_to_company(tx, &channel).await?;
        channels::set_moved_at(tx, (tenant, channel.id), None).await?;
        announce::channel(tx, &channel)?;
        let lane = format!("sessions:{tenant}");
        jobs::push(
            tx,
            &Slot { tenant, queue: tenant, lane: &lane, position: 0 },
            &RenewSessions { channel: channel.id },
        )
        .await?;
        tx.wake(Wake::Channel(channel.id));
        Ok(channel)
    }
}
