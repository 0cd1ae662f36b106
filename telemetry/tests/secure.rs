//! TLS, with authorities of one's own.

use crate::receiver::Receiver;
use crate::sample::{self, anew};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sallyport_telemetry::{Protocol, StartError, Telemetry};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A server for `127.0.0.1`, and the file of the authority that vouches for it.
fn server(folder: &Path, alpn: &[u8]) -> (TlsAcceptor, PathBuf) {
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("written");
    let params = CertificateParams::new(vec!["127.0.0.1".into()]).expect("params");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &authority).expect("signed");
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    config.alpn_protocols = vec![alpn.to_vec()];
    (TlsAcceptor::from(Arc::new(config)), ca)
}

#[test]
fn a_file_of_authorities_is_trusted_and_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for (protocol, alpn) in [(Protocol::Http, &b"http/1.1"[..]), (Protocol::Grpc, b"h2")] {
        let (tls, ca) = server(folder.path(), alpn);
        let receiver = Receiver::start_tls(protocol, Some(tls));
        let mut settings = receiver.settings();
        settings.metrics = None;
        let target = settings.traces.as_mut().expect("a target");
        let url = target.url.to_string().replace("http://", "https://");
        target.url = url.parse().expect("a URL");
        target.timeout = Duration::from_secs(2);
        // The system's authorities do not know this one.
        let telemetry = Telemetry::start(settings.clone()).expect("starts");
        telemetry.observe(anew(&sample::chat()));
        let standing = telemetry.shutdown(Duration::from_secs(5));
        assert_eq!(standing.failed.exchanges, 1, "{standing:?}");
        assert_eq!(receiver.spans().len(), 0);

        settings.traces.as_mut().expect("a target").ca = Some(ca);
        let telemetry = Telemetry::start(settings).expect("starts");
        telemetry.observe(anew(&sample::chat()));
        let standing = telemetry.shutdown(Duration::from_secs(10));
        assert_eq!(standing.sent.exchanges, 1, "{standing:?}");
        assert_eq!(receiver.spans().len(), 9);
    }
}

#[test]
fn a_bad_file_is_said_at_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.pem");
    for content in [
        None,
        Some(""),
        Some("-----BEGIN CERTIFICATE-----\nnonsense"),
    ] {
        if let Some(content) = content {
            std::fs::write(&bad, content).expect("written");
        }
        let mut settings = crate::receiver::settings("https://127.0.0.1:1", Protocol::Http);
        settings.traces.as_mut().expect("a target").ca = Some(bad.clone());
        let failed = Telemetry::start(settings).expect_err("does not start");
        assert!(matches!(failed, StartError::File(_)), "{failed}");
        assert!(failed.to_string().contains("bad.pem"), "{failed}");
    }
}
