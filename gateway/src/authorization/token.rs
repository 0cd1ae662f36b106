//! A token (RFC 7519, RFC 9068): what it says of itself, and whether that holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use sallyport_exchange::json::{Tape, Value as Json};
use serde_json::{Map, Value};

/// No longer token is read, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 << 10;
/// No longer `kid` is looked for, in bytes.
const KID_BYTES_MAX: usize = 512;
/// How far clocks may differ, in seconds.
const LEEWAY_S: u64 = 30;
/// Types of an access token, in small letters (RFC 9068 §2.1); many issuers say no more than `JWT`.
const TYPES: [&str; 3] = ["at+jwt", "application/at+jwt", "jwt"];

/// Why a token is not taken. Says nothing that stands in the token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadToken {
    /// More than [`TOKEN_BYTES_MAX`].
    #[error("it is larger than {TOKEN_BYTES_MAX} bytes")]
    TooLarge,
    /// Not three parts of strict JSON and base64url.
    #[error("it is no signed JSON Web Token")]
    Malformed,
    /// An identity token, a logout token, an assertion, or with critical extensions.
    #[error("it is another kind of token than an access token")]
    Type,
    /// `none`, a shared secret, or one that its issuer is not allowed.
    #[error("its signature algorithm is not allowed for its issuer")]
    Algorithm,
    /// Nobody that the configuration names.
    #[error("its issuer is not trusted here")]
    Issuer,
    /// Its issuer has no such key, or several.
    #[error("its issuer has no such key")]
    Key,
    /// The signature is not that key's.
    #[error("its signature is wrong")]
    Signature,
    /// `exp` is past.
    #[error("it has expired")]
    Expired,
    /// `nbf` is to come.
    #[error("it is not valid yet")]
    NotYet,
    /// Made out to somebody else.
    #[error("it is made out to another audience")]
    Audience,
    /// A claim is missing or of another form than it must be.
    #[error("a claim is missing, or has another form than it must have here")]
    Claims,
    /// Bound to a key that its bearer would have to prove (`cnf`).
    #[error("it is bound to a key, and no proof of possession is checked here")]
    Bound,
    /// In the query (2025-11-25, Token Requirements).
    #[error("it stands in the query; send it in `Authorization`")]
    InQuery,
}

impl BadToken {
    /// A stable word for programs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            BadToken::TooLarge => "token_too_large",
            BadToken::Malformed => "token_malformed",
            BadToken::Type => "token_type",
            BadToken::Algorithm => "token_algorithm",
            BadToken::Issuer => "token_issuer",
            BadToken::Key => "token_key",
            BadToken::Signature => "token_signature",
            BadToken::Expired => "token_expired",
            BadToken::NotYet => "token_not_yet",
            BadToken::Audience => "token_audience",
            BadToken::Claims => "token_claims",
            BadToken::Bound => "token_bound",
            BadToken::InQuery => "token_in_query",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            BadToken::InQuery => 400,
            _ => 401,
        }
    }
}

/// What a token says of itself, before anything is verified.
#[derive(Debug)]
pub struct Look {
    /// Who claims to have issued it.
    pub issuer: String,
    /// How it is signed; never with a shared secret.
    pub algorithm: Algorithm,
    /// With which key.
    pub kid: Option<String>,
}

impl Look {
    /// Reads header and claims strictly: what is read twice, here and by `jsonwebtoken`, must not be readable in two ways.
    pub fn at(token: &str) -> Result<Look, BadToken> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(BadToken::TooLarge);
        }
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            return Err(BadToken::Malformed);
        };
        let [header, claims, _] = [decode(header)?, decode(claims)?, decode(signature)?];
        let header = Tape::read(&header).map_err(|_| BadToken::Malformed)?;
        let claims = Tape::read(&claims).map_err(|_| BadToken::Malformed)?;
        let (header, claims) = (header.root(), claims.root());
        let text = |value: Option<Json<'_>>| match value {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(BadToken::Malformed),
            },
        };
        if header.members().is_none() || claims.members().is_none() {
            return Err(BadToken::Malformed);
        }
        let kind = text(header.member("typ"))?.map(|kind| kind.to_ascii_lowercase());
        let is_nested = header.member("cty").is_some() || header.member("zip").is_some();
        let is_known = kind.is_none_or(|kind| TYPES.contains(&kind.as_str()));
        // No critical extension is understood here (RFC 7515 §4.1.11).
        if !is_known || is_nested || header.member("crit").is_some() {
            return Err(BadToken::Type);
        }
        let algorithm = text(header.member("alg"))?.ok_or(BadToken::Malformed)?;
        let algorithm: Algorithm = algorithm.parse().map_err(|_| BadToken::Algorithm)?;
        let kid = text(header.member("kid"))?;
        if kid.as_ref().is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(BadToken::Key);
        }
        let issuer = text(claims.member("iss")).map_err(|_| BadToken::Issuer)?;
        if claims.member("cnf").is_some() {
            return Err(BadToken::Bound);
        }
        Ok(Look {
            issuer: issuer.ok_or(BadToken::Issuer)?,
            algorithm,
            kid,
        })
    }

    /// The claims of the token that was looked at, if they hold.
    pub fn verify(
        &self,
        token: &str,
        key: &DecodingKey,
        audiences: &[String],
    ) -> Result<Map<String, Value>, BadToken> {
        let mut validation = Validation::new(self.algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_audience(audiences);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let verified = jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation);
        let verified = verified.map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => BadToken::Signature,
            ErrorKind::ExpiredSignature => BadToken::Expired,
            ErrorKind::ImmatureSignature => BadToken::NotYet,
            ErrorKind::InvalidAudience => BadToken::Audience,
            ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => BadToken::Audience,
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => {
                BadToken::Claims
            }
            ErrorKind::InvalidIssuer => BadToken::Issuer,
            ErrorKind::InvalidAlgorithm => BadToken::Algorithm,
            _ => BadToken::Malformed,
        })?;
        Ok(verified.claims)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, BadToken> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| BadToken::Malformed)
}
