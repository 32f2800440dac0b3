//! Uploaded files: bringing one in one request or in pieces that go on where they stopped, and removing one. The bytes go to the
//! disk as they come.

mod take;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use self::take::{SILENCE, kept_not, take};
use super::answer::Done;
use super::{At, Caller};
use crate::accounts::{Access, Locate, Permission, Scope, Thing};
use crate::app::{App, AppState};
use crate::document;
use crate::error::{Error, StoreError};
use crate::files::pieces::{Arrived, MAX_PIECES};
use crate::files::remove;
use crate::files::upload::{Begin, Find, Terms};
use crate::http::extract::{Params, Signed};
use crate::http::problem::Problem;
use crate::store::files::File;
use crate::store::uploads::Upload;

/// The next byte that is wanted, as `tus` names it.
pub(crate) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadBody {
    /// Whose file it is; not needed with a conversation.
    tenant: Option<Uuid>,
    /// The channel of this conversation decides what is taken.
    conversation: Option<Uuid>,
    /// As what it is to be sent: `image`, `audio`, `voice`, `video` or `document`; by its type if it is left out.
    #[serde(default, deserialize_with = "document::opt_line")]
    kind: Option<String>,
    /// At most 200 characters; without a path.
    #[serde(default, deserialize_with = "document::opt_line")]
    name: Option<String>,
    /// What the sender says of it. The bytes decide where they tell.
    #[serde(default, deserialize_with = "document::opt_line")]
    mime: Option<String>,
    /// Bytes.
    size: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UploadAnswer {
    upload: UploadState,
    /// Once all bytes have come.
    file: Option<UploadedFile>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UploadState {
    id: Uuid,
    /// The next byte that is wanted.
    offset: u64,
    size: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FileAnswer {
    file: UploadedFile,
}

/// To be sent as `file` of an attachment.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadedFile {
    id: Uuid,
    tenant: Uuid,
    /// Of the bytes as they are kept: a picture without its position.
    sha256: String,
    size: i64,
    /// By the bytes.
    mime: String,
    name: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
}

impl From<File> for UploadedFile {
    fn from(file: File) -> Self {
        let File { id, tenant, sha256, size, mime, name, width, height, .. } = file;
        Self { id, tenant, sha256, size, mime, name, width, height }
    }
}

fn terms(app: &App) -> Terms {
    let number = |most: u64| i64::try_from(most).unwrap_or(i64::MAX);
    Terms {
        max_bytes: app.config.files.upload_max_bytes,
        storage: (number(app.config.storage.max_bytes), number(app.config.storage.max_files)),
        has_address: app.files.addresses.is_there(),
    }
}

/// People who answer bring files, and so do AI workers.
async fn may_bring(app: &App, access: &Access, args: &Wanted) -> Result<Scope, Error> {
    let needs = if access.is_responder() { Permission::Respond } else { Permission::Answer };
    match (args.conversation, args.tenant) {
        (Some(conversation), tenant) => {
            let scope = access.conversation(&app.store, conversation, needs).await?;
            if tenant.is_some_and(|tenant| tenant != scope.tenant()) {
                return Err(Error::invalid("tenant", "the conversation is another tenant's: leave it out"));
            }
            Ok(scope)
        }
        (None, Some(tenant)) => access.tenant(tenant, needs),
        (None, None) => {
            Err(Error::invalid("tenant", "say whose file it is, or in which conversation it is sent"))
        }
    }
}

/// An upload that is asked for; without a size if that is told by its end.
struct Wanted {
    tenant: Option<Uuid>,
    conversation: Option<Uuid>,
    kind: Option<String>,
    name: Option<String>,
    mime: Option<String>,
    size: Option<u64>,
}

async fn begin_by(app: &App, access: &Access, args: Wanted) -> Result<Upload, Error> {
    let scope = may_bring(app, access, &args).await?;
    let Wanted { conversation, kind, name, mime, size, .. } = args;
    let caller = access.identity.id();
    let verb = Begin { scope, terms: terms(app), caller, conversation, kind, name, mime, size };
    Ok(app.store.write(verb).await?.value)
}

pub async fn begin(caller: Caller, args: UploadBody) -> Result<super::answer::Created<UploadAnswer>, Error> {
    let UploadBody { tenant, conversation, kind, name, mime, size } = args;
    let wanted = Wanted { tenant, conversation, kind, name, mime, size: Some(size) };
    let upload = begin_by(&caller.app, &caller.access, wanted).await?;
    Ok(super::answer::Created(UploadAnswer { upload: state(&upload, 0), file: None }))
}

fn state(upload: &Upload, offset: u64) -> UploadState {
    UploadState { id: upload.id, offset, size: upload.size.unsigned_abs() }
}

/// An upload of the caller's, in whichever of its tenants it is.
async fn find(app: &App, access: &Access, id: Uuid) -> Result<Upload, Error> {
    let within =
        access.platform_role.is_none().then(|| access.grants.iter().map(|grant| grant.tenant).collect());
    let place = Locate { thing: Thing::Upload, id, within };
    let (tenant, _) = app.store.read(place).await?.ok_or(Error::NotFound("upload"))?;
    app.store.read(Find { tenant, id, caller: access.identity.id() }).await
}

async fn arrived(app: &App, upload: &Upload) -> Result<Arrived, Error> {
    if upload.file.is_some() {
        return Ok(Arrived { bytes: upload.size.unsigned_abs(), has_room: true });
    }
    let detail = "the place of files does not tell how far the upload has come: go on with it later";
    let away = |why: std::io::Error| Error::Away { code: "files_away", detail, why: why.to_string() };
    app.files.arrived(upload).await.map_err(away)
}

async fn file_of(app: &App, upload: &Upload) -> Result<Option<File>, Error> {
    match upload.file {
        Some(file) => app.store.read(Load { tenant: upload.tenant, file }).await.map(Some),
        None => Ok(None),
    }
}

/// Where an upload stands, as JSON and as headers.
pub async fn look(
    State(app): State<AppState>,
    signed: Signed,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let upload = find(&app, &signed.access, id).await?;
    let at = arrived(&app, &upload).await?.bytes;
    let file = file_of(&app, &upload).await?.map(Into::into);
    Ok(answered(&upload, at, UploadAnswer { upload: state(&upload, at), file }))
}

fn answered(upload: &Upload, at: u64, answer: UploadAnswer) -> Response {
    let mut response = axum::Json(answer).into_response();
    let number = |number: u64| HeaderValue::from(number);
    response.headers_mut().insert(OFFSET, number(at));
    response.headers_mut().insert(LENGTH, number(upload.size.unsigned_abs()));
    response
}

/// Takes the next bytes of an upload. With the last one it becomes a file.
pub async fn go_on(
    State(app): State<AppState>,
    signed: Signed,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let from = headers.get(OFFSET).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let from =
        from.ok_or_else(|| Problem::invalid("Upload-Offset", "say from which byte the body goes on"))?;
    let upload = find(&app, &signed.access, id).await?;
    let turn = app.files.staging.turn(id).await;
    // Whoever had the turn may have finished it.
    let upload = find(&app, &signed.access, upload.id).await?;
    let Arrived { bytes: at, has_room } = arrived(&app, &upload).await?;
    if from != at {
        let detail = format!("the upload goes on at byte {at}");
        let mut response = Problem::new(StatusCode::CONFLICT, "wrong_offset", detail).into_response();
        response.headers_mut().insert(OFFSET, HeaderValue::from(at));
        return Ok(response);
    }
    if let Some(file) = file_of(&app, &upload).await? {
        return Ok(answered(
            &upload,
            at,
            UploadAnswer { upload: state(&upload, at), file: Some(file.into()) },
        ));
    }
    if !has_room {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "too_many_pieces",
            format!("the upload has {MAX_PIECES} pieces: begin another one, with larger pieces"),
        ));
    }
    // A task of its own: with the connection that breaks the request would end, and what has come is to be kept then.
    let (hard, taken) = (app.hard.clone(), take(AppState::clone(&app), upload.clone(), at, body, turn));
    let taken = app.tasks.spawn(async move { hard.run_until_cancelled(taken).await });
    let taken = taken.await.map_err(|error| Error::from(anyhow::Error::from(error)))?;
    let (at, file) = taken.ok_or_else(|| Error::from(StoreError::Closed))??;
    let file = file.map(Into::into);
    Ok(answered(&upload, at, UploadAnswer { upload: state(&upload, at), file }))
}

/// A whole file in one request: the body is the file, or a form with one.
pub async fn bring(
    State(app): State<AppState>,
    signed: Signed,
    Params(query): Params<FileQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let length = request.body().size_hint().exact();
    let kind = header_text(request.headers(), &header::CONTENT_TYPE);
    let mut args = Wanted {
        tenant: query.tenant,
        conversation: query.conversation,
        kind: query.kind,
        name: query.name,
        mime: kind.clone(),
        size: length,
    };
    if kind.as_deref().is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        let broken = |error: multer::Error| Problem::invalid("body", error.to_string());
        let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(broken)?;
        let mut form = multer::Multipart::new(request.into_body().into_data_stream(), boundary);
        while let Some(field) = form.next_field().await.map_err(broken)? {
            if field.file_name().is_none() && field.name() != Some("file") {
                continue;
            }
            args.name = args.name.or_else(|| field.file_name().map(str::to_owned));
            args.mime = field.content_type().map(ToString::to_string);
            // That of the form is a little larger than that of its file.
            args.size = None;
            return whole(&app, &signed.access, args, Box::pin(field)).await;
        }
        return Err(Problem::invalid("file", "the form has no file"));
    }
    let body = request.into_body().into_data_stream();
    whole(&app, &signed.access, args, Box::pin(body)).await
}

async fn whole<E>(
    app: &App,
    access: &Access,
    args: Wanted,
    mut body: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<bytes::Bytes, E>> + Send + '_>>,
) -> Result<Response, Problem> {
    use futures_util::StreamExt as _;
    let mut upload = begin_by(app, access, args).await?;
    app.admission.rates.tenant(upload.tenant)?;
    let received: Result<u64, Problem> = async {
        let mut at = 0;
        let mut file = app.files.staging.append(upload.tenant, upload.id).await.map_err(kept_not)?;
        loop {
            let next = timeout(SILENCE, body.next()).await;
            let slow = || Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "nothing came for too long");
            let Some(piece) = next.map_err(|_| slow())? else { break };
            let piece =
                piece.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "invalid", "the body broke off"))?;
            at += piece.len() as u64;
            if at > upload.size.unsigned_abs() {
                return Err(Problem::invalid("body", "is longer than what is taken here"));
            }
            file.write_all(&piece).await.map_err(kept_not)?;
        }
        file.flush().await.map_err(kept_not)?;
        Ok(at)
    }
    .await;
    let received = match received {
        Ok(0) => Err(Problem::invalid("body", "the file is empty: choose another one")),
        received => received,
    };
    let finished = match received {
        Ok(at) => {
            upload.size = i64::try_from(at).unwrap_or(i64::MAX);
            app.files.finish(&app.store, &upload, terms(app)).await.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match finished {
        Ok(file) => Ok((StatusCode::CREATED, axum::Json(FileAnswer { file: file.into() })).into_response()),
        Err(problem) => {
            // One request cannot go on later.
            app.files.drop_upload(&app.store, &upload).await?;
            Err(problem)
        }
    }
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    /// Whose file it is; not needed with a conversation.
    tenant: Option<Uuid>,
    /// The channel of this conversation decides what is taken.
    conversation: Option<Uuid>,
    /// As what it is to be sent: `image`, `audio`, `voice`, `video` or `document`.
    kind: Option<String>,
    name: Option<String>,
}

/// Cancels an upload of the caller's.
pub async fn cancel(
    State(app): State<AppState>,
    signed: Signed,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let upload = find(&app, &signed.access, id).await?;
    let _turn = app.files.staging.turn(id).await;
    app.files.drop_upload(&app.store, &upload).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn remove(at: At) -> Result<Done, Error> {
    at.app.store.write(remove::Remove { scope: at.scope, file: at.id }).await?;
    Ok(Done)
}

/// The bytes of a file for a provider that has a signed address of it.
pub async fn by_address(State(app): State<AppState>, Path(token): Path<String>) -> Result<Response, Problem> {
    let gone = || Problem::from(Error::NotFound("file: the address is over"));
    let (tenant, file) = app.files.addresses.read(&token, app.store.clock().now_ms()).ok_or_else(gone)?;
    let file = app.store.read(Load { tenant, file }).await?;
    let bytes = app.files.libraries.get(&file.path).await.map_err(|_| gone())?;
    let mut response = Body::from_stream(super::media::chunks(bytes)).into_response();
    let headers = response.headers_mut();
    let mime = HeaderValue::from_str(&file.mime);
    headers
        .insert(header::CONTENT_TYPE, mime.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.size));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    Ok(response)
}

struct Load {
    tenant: Uuid,
    file: Uuid,
}

impl crate::store::Verb for Load {
    type Out = File;

    async fn run(&self, tx: &mut crate::store::Tx<'_>) -> Result<File, Error> {
        let file = crate::store::files::load(tx, self.tenant, self.file).await?;
        file.filter(|file| file.state == crate::store::files::FileState::Ready).ok_or(Error::NotFound("file"))
    }
}
