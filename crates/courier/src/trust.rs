//! Whose certificates are believed: those of the authorities that this machine's account trusts, read when the first
//! message needs them and then once in an hour.

use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long what was read is believed.
const FRESH: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(crate) struct Trust(Mutex<Option<(Instant, Arc<ClientConfig>)>>);

impl Trust {
    pub(crate) async fn config(&self) -> Result<Arc<ClientConfig>, &'static str> {
        const NOBODY: &str = "this server knows no authorities for certificates (ca-certificates)";
        let mut known = self.0.lock().await;
        if let Some((read, config)) = &*known
            && read.elapsed() < FRESH
        {
            return Ok(Arc::clone(config));
        }
        let read = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
        let found = read.await.map_err(|_| NOBODY)?;
        for error in &found.errors {
            tracing::debug!(%error, "authorities for certificates can't be read");
        }
        let mut roots = RootCertStore::empty();
        let (good, _) = roots.add_parsable_certificates(found.certs);
        if good == 0 {
            return Err(NOBODY);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| NOBODY)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        *known = Some((Instant::now(), Arc::clone(&config)));
        Ok(config)
    }
}
