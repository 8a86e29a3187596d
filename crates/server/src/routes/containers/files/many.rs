//! Many files in one request: each part is one, written as it comes.

use super::add::{destination, in_field};
use super::convert;
use crate::App;
use crate::error::{Error, Result};
use crate::extract::{Form, Part, Upload};
use crate::render;
use axum::extract::Request;
use podlane_api::{AddedFiles, FileRow};
use podlane_engine::inside::Expectation;
use podlane_engine::{ContainerRef, InnerPath};
use podlane_service::{At, Call, Error as Operation, FileInfo, NewFile};

/// Writes the files of a form. What is wrong with one stops none of the others.
pub(super) async fn add(
    app: &App,
    call: &Call,
    container: ContainerRef,
    request: Request,
) -> Result<AddedFiles> {
    let headers = request.headers().clone();
    let pieces = Upload::new(request, &app.settings).pieces();
    let mut form = Form::new(&headers, pieces)?;
    let most = app.service.limits().archive_entries;
    let mut files = Vec::new();
    while let Some(mut part) = form.next().await? {
        if files.len() as u64 >= most {
            let message = format!("a form may have {most} files");
            return Err(Operation::TooLarge { message }.into());
        }
        let name = [part.file_name(), part.name()];
        let name = name
            .into_iter()
            .flatten()
            .find(|name| name.starts_with('/'));
        let dest_path = name.or(part.name()).unwrap_or_default().to_owned();
        // A form that is none ends all.
        let written = match destination(&dest_path) {
            Ok(path) => write(app, call, &container, path, &mut part).await?,
            Err(refusal) => Err(refusal.into()),
        };
        while part.content().await?.is_some() {}
        let (file, error) = match written {
            Ok(info) => (Some(convert::info(&info)), None),
            Err(error) => (None, Some(render::detail(&error.answer()))),
        };
        files.push(FileRow {
            dest_path,
            file,
            error,
        });
    }
    Ok(AddedFiles {
        success: files.iter().all(|row| row.error.is_none()),
        files,
    })
}

/// Writes one file. The inner error is that file's alone.
async fn write(
    app: &App,
    call: &Call,
    container: &ContainerRef,
    path: InnerPath,
    part: &mut Part,
) -> Result<Result<FileInfo>> {
    let at = At {
        container: container.clone(),
        path,
        user: None,
    };
    let new = NewFile {
        size: None,
        mode: None,
        owner: None,
        parents: true,
        expected: Expectation::Any,
    };
    let call = call.extended(call.limit);
    let mut writer = match app.service.write_file(&call, &at, new).await {
        Ok(writer) => writer,
        Err(error) => return Ok(Err(in_field(error).into())),
    };
    while let Some(piece) = part.content().await? {
        if let Err(error) = writer.write(piece).await {
            return Ok(Err(error.into()));
        }
    }
    Ok(writer.finish().await.map_err(Error::from))
}
