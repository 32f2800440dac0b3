//! Deletes a file's object in the library and then its row. An object that is not there is deleted already.

use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use crate::error::Error;
use crate::store::jobs::{self, DeleteFile, Job};
use crate::store::{Tx, Verb, files};

impl Work for DeleteFile {
    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let found = env.store.read(Find { tenant: job.tenant, file: self.file }).await?;
        if let Some(path) = found {
            let deleted = env.files.libraries.delete(&path).await;
            deleted.map_err(|error| anyhow::Error::new(error).context("the file cannot be deleted"))?;
        }
        env.store.write(Gone { job: job.clone(), file: self.file }).await?;
        Ok(())
    }
}

struct Find {
    tenant: Uuid,
    file: Uuid,
}

impl Verb for Find {
    type Out = Option<String>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let file = files::load(tx, self.tenant, self.file).await?;
        Ok(file.filter(|file| file.state == files::FileState::Deleting).map(|file| file.path))
    }
}

struct Gone {
    job: Job,
    file: Uuid,
}

impl Verb for Gone {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        files::remove(tx, self.job.tenant, self.file).await?;
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}
