//! `POST /api/v1/containers/{name}/file-operations`

use super::{convert, query};
use crate::error::Result;
use crate::extract::{Json, Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{DoneFileOperation, FileOperation, True};
use podlane_engine::inside::Expectation;
use podlane_engine::{ContainerRef, InnerPath, UserSpec};
use podlane_service::{At, Call, FileInfo, NewAttributes, Service};

/// `?user=1000`
pub(crate) struct As(Option<UserSpec>);

impl QueryShape for As {
    const NAMES: &'static [&'static str] = &["user"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        query::user(parameters).map(Self)
    }
}

/// Make, move, copy, change or delete files and directories of a container.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/file-operations",
    tag = "files",
    params(("user" = Option<String>, Query, description = "As this user of the container, with its rights alone; as root if left out.")),
    request_body = FileOperation,
    responses((status = 200, description = "It is done.", body = DoneFileOperation))
)]
pub(crate) async fn operate_on_file(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(As(user)): Query<As>,
    Json(operation): Json<FileOperation>,
) -> Result<axum::Json<DoneFileOperation>> {
    let done = perform(&service, &call, name, user, operation).await?;
    let (file, entries) = match done {
        Done::There(info) => (Some(convert::info(&info)), None),
        Done::To(entries) => (None, entries),
    };
    Ok(axum::Json(DoneFileOperation {
        success: True,
        file,
        entries,
    }))
}

/// What an operation has to tell.
enum Done {
    There(FileInfo),
    To(Option<u64>),
}

async fn perform(
    service: &Service,
    call: &Call,
    container: ContainerRef,
    user: Option<UserSpec>,
    operation: FileOperation,
) -> Result<Done> {
    let at = |path: &str| -> Result<At> {
        Ok(query::at(
            container.clone(),
            parse("path", path)?,
            user.clone(),
        ))
    };
    let owner = |owner: Option<String>| owner.as_deref().map(convert::owner).transpose();
    let mode = |mode: Option<String>| mode.as_deref().map(convert::mode).transpose();
    Ok(match operation {
        FileOperation::Mkdir {
            path,
            mode: bits,
            owner: whose,
            parents,
        } => {
            let (bits, whose) = (mode(bits)?, owner(whose)?);
            let at = at(&path)?;
            Done::There(
                service
                    .make_directory(call, &at, bits, whose, parents)
                    .await?,
            )
        }
        FileOperation::Symlink {
            path,
            target,
            owner: whose,
            parents,
        } => {
            let whose = owner(whose)?;
            let at = at(&path)?;
            Done::There(
                service
                    .link_file(call, &at, &target, whose, parents)
                    .await?,
            )
        }
        FileOperation::Move {
            path,
            to,
            owner: whose,
            replace,
            parents,
        } => {
            let (to, whose) = (parse("to", &to)?, owner(whose)?);
            let at = at(&path)?;
            let moved = service.move_file(call, &at, &to, whose, replace, parents);
            Done::There(moved.await?)
        }
        FileOperation::Copy {
            path,
            to,
            owner: whose,
            recursive,
            replace,
            parents,
        } => {
            let (to, whose) = (parse("to", &to)?, owner(whose)?);
            let at = at(&path)?;
            let copied = service.copy_file(call, &at, &to, whose, recursive, replace, parents);
            Done::There(copied.await?)
        }
        FileOperation::Change {
            path,
            mode: bits,
            owner: whose,
            modified,
            recursive,
        } => {
            let new = NewAttributes {
                mode: mode(bits)?,
                owner: owner(whose)?,
                modified: modified.as_deref().map(convert::modified).transpose()?,
            };
            if new == NewAttributes::default() {
                let message = "one of `mode`, `owner` and `modified` is required";
                return Err(Refusal::field("mode", message).into());
            }
            Done::To(
                service
                    .change_file(call, &at(&path)?, new, recursive)
                    .await?,
            )
        }
        FileOperation::Delete { path, recursive } => {
            let at = at(&path)?;
            Done::To(
                service
                    .remove_file(call, &at, recursive, Expectation::Any)
                    .await?,
            )
        }
    })
}

fn parse(field: &'static str, path: &str) -> Result<InnerPath, Refusal> {
    InnerPath::parse(path).map_err(Refusal::in_field(field))
}
