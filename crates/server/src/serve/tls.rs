//! TLS: certificates from files, looked at now and then, so that renewed ones are used without a restart.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// How often is looked for renewed certificates.
const LOOK: Duration = Duration::from_secs(10);

/// Why there can be no TLS.
#[derive(Debug, Error)]
#[error("{}: {reason}", .file.display())]
pub struct TlsError {
    file: PathBuf,
    reason: String,
}

impl TlsError {
    fn new(file: &Path, reason: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Where the certificates are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and those between it and a known authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities of which a client must have a certificate; `None` if it need not have any.
    pub client_authorities: Option<PathBuf>,
}

/// What a file was like when it was read.
type Seen = Vec<Option<(SystemTime, u64)>>;

/// TLS for listeners.
pub struct Tls {
    files: TlsFiles,
    state: RwLock<(Arc<ServerConfig>, Seen)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = seen(&files);
        let state = RwLock::new((Arc::new(config(&files)?), seen));
        Ok(Self { files, state })
    }

    /// What accepts the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&state.0))
    }

    /// Takes renewed files for as long as it is driven. Those that are wrong are told and not taken: often a
    /// certificate is there a moment before its key.
    pub(super) async fn keep_current(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.refresh();
        }
    }

    fn refresh(&self) {
        let now = seen(&self.files);
        let known = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            state.1 == now
        };
        if known {
            return;
        }
        match config(&self.files) {
            Ok(config) => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                *state = (Arc::new(config), now);
                tracing::info!("took renewed certificates");
            }
            Err(error) => tracing::warn!(%error, "renewed certificates can't be used"),
        }
    }
}

fn seen(files: &TlsFiles) -> Seen {
    let paths = [Some(&files.certificate), Some(&files.key)];
    let paths = paths.into_iter().chain([files.client_authorities.as_ref()]);
    paths
        .flatten()
        .map(|path| {
            let meta = fs::metadata(path).ok()?;
            Some((meta.modified().ok()?, meta.len()))
        })
        .collect()
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = fs::read(file).map_err(|error| TlsError::new(file, error))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| TlsError::new(file, error))?;
    if all.is_empty() {
        return Err(TlsError::new(file, "there is no certificate in it (PEM)"));
    }
    Ok(all)
}

fn config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates(&files.certificate)?;
    let key = fs::read(&files.key).map_err(|error| TlsError::new(&files.key, error))?;
    // Not a word of the key in an error.
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| TlsError::new(&files.key, "there is no private key in it (PEM)"))?;
    let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new(&files.certificate, error))?;
    let clients = if let Some(file) = &files.client_authorities {
        let mut roots = RootCertStore::empty();
        for authority in certificates(file)? {
            roots
                .add(authority)
                .map_err(|error| TlsError::new(file, error))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build();
        versions.with_client_cert_verifier(verifier.map_err(|error| TlsError::new(file, error))?)
    } else {
        versions.with_no_client_auth()
    };
    let mut config = clients
        .with_single_cert(chain, key)
        .map_err(|error| TlsError::new(&files.certificate, error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
