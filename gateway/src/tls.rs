//! Certificates that agents must show.

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;

/// Why a file of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadAuthorities {
    /// Not readable, or not PEM.
    #[error("`{0}` is not a readable PEM file of certificates")]
    Unreadable(String),
    /// No certificate that could sign others.
    #[error("`{0}` holds no certificate authority")]
    Unusable(String),
}

/// A verifier that demands a certificate signed by one of the authorities in a PEM file.
pub fn client_verifier(authorities: &Path) -> Result<Arc<dyn ClientCertVerifier>, BadAuthorities> {
    let name = || authorities.display().to_string();
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(authorities)
        .map_err(|_| BadAuthorities::Unreadable(name()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|_| BadAuthorities::Unreadable(name()))?;
        roots
            .add(certificate)
            .map_err(|_| BadAuthorities::Unusable(name()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier
        .map(|v| v as Arc<dyn ClientCertVerifier>)
        .map_err(|_| BadAuthorities::Unusable(name()))
}
