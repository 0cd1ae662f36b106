//! An authorization server that tells its metadata and its keys, and signs whatever it is asked to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An RSA key of 2048 bits for tests only: ring makes none.
const RSA: &[u8] = include_bytes!("rsa.der");

/// What a token is signed with.
pub enum Signer {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    /// A shared secret, which no gateway should take.
    Hs256(Vec<u8>),
    /// Nothing at all.
    None,
}

impl Signer {
    pub fn rsa() -> Signer {
        Signer::Rs256(RsaKeyPair::from_der(RSA).expect("an RSA key"))
    }

    pub fn curve() -> Signer {
        let (scheme, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(scheme, &random).expect("a key");
        Signer::Es256(EcdsaKeyPair::from_pkcs8(scheme, key.as_ref(), &random).expect("a key"))
    }

    pub fn edwards() -> Signer {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Signer::EdDsa(Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key"))
    }

    /// What its tokens say in `alg`.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Signer::Rs256(_) => "RS256",
            Signer::Es256(_) => "ES256",
            Signer::EdDsa(_) => "EdDSA",
            Signer::Hs256(_) => "HS256",
            Signer::None => "none",
        }
    }

    /// Its public key (RFC 7517).
    pub fn jwk(&self, kid: &str) -> Value {
        match self {
            Signer::Rs256(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": b64(public.n), "e": b64(public.e)})
            }
            Signer::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(x), "y": b64(y)})
            }
            Signer::EdDsa(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(pair.public_key())})
            }
            Signer::Hs256(_) | Signer::None => unreachable!("a secret is not public"),
        }
    }

    /// A token of just these bytes.
    pub fn token(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let random = SystemRandom::new();
        let signature = match self {
            Signer::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    message.as_bytes(),
                    &mut signature,
                )
                .expect("a signature");
                signature
            }
            Signer::Es256(pair) => {
                let signature = pair.sign(&random, message.as_bytes());
                signature.expect("a signature").as_ref().to_vec()
            }
            Signer::EdDsa(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Signer::Hs256(secret) => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
                ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Signer::None => Vec::new(),
        };
        format!("{message}.{}", b64(signature))
    }
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since 1970, and so many more.
pub fn in_seconds(more: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("a clock").as_secs()).expect("a year before 2^63") + more
}

/// Path to status and document.
type Pages = Arc<Mutex<HashMap<String, (u16, String)>>>;

/// A running authorization server.
pub struct Issuer {
    pub address: SocketAddr,
    pages: Pages,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Issuer {
    /// One with metadata and these keys.
    pub async fn start(keys: Value) -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let issuer = Issuer {
            address: listener.local_addr().expect("an address"),
            pages: Pages::default(),
            asked: Arc::default(),
        };
        let metadata =
            json!({"issuer": issuer.url(), "jwks_uri": format!("{}/keys", issuer.url())});
        issuer.page("/.well-known/openid-configuration", 200, &metadata);
        issuer.page("/keys", 200, &json!({"keys": keys}));
        let (pages, asked) = (issuer.pages.clone(), issuer.asked.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, pages.clone(), asked.clone()));
            }
        });
        issuer
    }

    /// Its identifier.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a document in place.
    pub fn page(&self, path: &str, status: u16, document: &Value) {
        let mut pages = self.pages.lock().expect("pages");
        pages.insert(path.to_owned(), (status, document.to_string()));
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        let asked = self.asked.lock().expect("a list");
        asked.iter().filter(|one| *one == path).count()
    }
}

async fn answer(mut socket: TcpStream, pages: Pages, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if !matches!(socket.read_buf(&mut head).await, Ok(1..)) {
            return;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = pages.lock().expect("pages").get(&path).cloned();
    asked.lock().expect("a list").push(path);
    let (status, document) = page.unwrap_or((404, "{}".to_owned()));
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nlocation: /keys\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}",
        document.len()
    );
    let _ = socket.write_all(answer.as_bytes()).await;
}
