//! How fast a command's output comes through the API.

use crate::TARGET;
use crate::connection::{Connection, Result};
use crate::server::Server;
use http::header::{ACCEPT, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use std::time::Instant;

/// What the command writes.
const MEGABYTES: u32 = 4096;
const ROUNDS: usize = 3;

/// Bytes a second, in the best of a few rounds.
pub(super) async fn measure(server: &Server) -> Result<f64> {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        best = best.max(once(server).await?);
    }
    Ok(best)
}

async fn once(server: &Server) -> Result<f64> {
    let mut connection = Connection::new(server.address.clone());
    let count = format!("count={MEGABYTES}");
    let command = ["dd", "if=/dev/zero", "bs=1M", &count];
    let body = json!({"command": command}).to_string().into();
    let path = format!("/api/v1/containers/{TARGET}/exec");
    let mut request = connection.request(Method::POST, &path, body)?;
    let form = HeaderValue::from_static("application/vnd.docker.multiplexed-stream");
    request.headers_mut().insert(ACCEPT, form);
    let began = Instant::now();
    let response = connection.begin(request).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("status {} to a stream", response.status()).into());
    }
    let mut body = response.into_body();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        read += frame?.data_ref().map_or(0, bytes::Bytes::len);
    }
    let took = began.elapsed();
    let wanted = f64::from(MEGABYTES) * 1_048_576.0;
    if read < MEGABYTES as usize * 1_048_576 {
        return Err(format!("only {read} bytes of output came").into());
    }
    Ok(wanted / took.as_secs_f64())
}
