//! Connections, with TLS by rustls and ring where the address asks for it.

use super::Connector;
use crate::settings::{Protocol, Target};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;

/// A file that cannot be used: the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// Not readable, or not PEM of what it should hold.
    #[error("`{0}` is not a readable PEM file of {1}")]
    Unreadable(String, &'static str),
    /// The system's authorities cannot be read.
    #[error("the system's certificate authorities cannot be read: name a file of some")]
    NoRoots,
    /// Certificate and key do not fit together.
    #[error("the client certificate `{0}` and its key cannot be used")]
    Client(String),
}

/// Connects to this target; to nobody in clear text if it says `https`.
pub fn connector(target: &Target) -> Result<Connector, BadFile> {
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    plain.set_nodelay(true);
    plain.set_connect_timeout(Some(target.timeout));
    let secure = target.url.scheme_str() == Some("https");
    let config = if secure { config(target)? } else { nobody()? };
    let builder = HttpsConnectorBuilder::new().with_tls_config(config);
    let builder = match secure {
        true => builder.https_only(),
        false => builder.https_or_http(),
    };
    Ok(match target.protocol {
        Protocol::Http => builder.enable_http1().wrap_connector(plain),
        Protocol::Grpc => builder.enable_http2().wrap_connector(plain),
    })
}

fn config(target: &Target) -> Result<ClientConfig, BadFile> {
    let builder = builder()?.with_root_certificates(roots(target.ca.as_deref())?);
    let Some((certificate, key)) = &target.client else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(certificate)?;
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|_| BadFile::Unreadable(key.display().to_string(), "a private key"))?;
    builder
        .with_client_auth_cert(chain, key_der)
        .map_err(|_| BadFile::Client(certificate.display().to_string()))
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder() -> Result<Builder, BadFile> {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| BadFile::NoRoots)
}

/// Trusts nobody: the address asks for no TLS.
fn nobody() -> Result<ClientConfig, BadFile> {
    let builder = builder()?.with_root_certificates(RootCertStore::empty());
    Ok(builder.with_no_client_auth())
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, BadFile> {
    let mut roots = RootCertStore::empty();
    let found = match ca {
        Some(file) => certificates(file)?,
        None => rustls_native_certs::load_native_certs().map_err(|_| BadFile::NoRoots)?,
    };
    let (added, _) = roots.add_parsable_certificates(found);
    match (added, ca) {
        (0, Some(file)) => Err(BadFile::Unreadable(
            file.display().to_string(),
            "certificate authorities",
        )),
        (0, None) => Err(BadFile::NoRoots),
        _ => Ok(roots),
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    let bad = || BadFile::Unreadable(file.display().to_string(), "certificates");
    let certificates = CertificateDer::pem_file_iter(file).map_err(|_| bad())?;
    certificates.collect::<Result<_, _>>().map_err(|_| bad())
}
