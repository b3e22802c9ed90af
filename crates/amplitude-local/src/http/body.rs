//! What comes before the events: labels, compression, size, and the sender's address.

use std::{io::Read, net::IpAddr};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, header},
};
use flate2::read::MultiGzDecoder;

use crate::answer::Answer;

/// The address of the visitor: a proxy on this machine is believed when it names one.
pub(super) fn remote_ip(peer: Option<IpAddr>, headers: &HeaderMap) -> String {
    let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let forwarded = headers
        .get("x-forwarded-for")
        .and_then(|list| list.to_str().ok())
        .and_then(|list| list.split(',').next())
        .and_then(|first| first.trim().parse::<IpAddr>().ok());
    forwarded
        .filter(|_| peer.is_loopback())
        .unwrap_or(peer)
        .to_string()
}

/// Browsers label beacons as text; HTTP V2 asks for JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let kind = content_type
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    ["application/json", "text/plain"]
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(kind))
}

/// Reads at most `most` bytes, before and after decompression.
pub(super) async fn read(body: Body, headers: &HeaderMap, most: usize) -> Result<Bytes, Answer> {
    let body = to_bytes(body, most).await.map_err(|_| Answer::too_large())?;
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip") => gunzip(&body, most),
        Some(_) => Err(Answer::invalid("Invalid JSON request body")),
    }
}

fn gunzip(body: &[u8], most: usize) -> Result<Bytes, Answer> {
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(body)
        .take(most as u64 + 1)
        .read_to_end(&mut plain);
    match read {
        Ok(bytes) if bytes > most => Err(Answer::too_large()),
        Ok(_) => Ok(plain.into()),
        Err(_) => Err(Answer::invalid("Invalid JSON request body")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visitors_address() {
        let headers = |list: &'static str| {
            HeaderMap::from_iter([(
                header::HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_static(list),
            )])
        };
        let loopback = Some(IpAddr::from([127, 0, 0, 1]));
        assert_eq!(remote_ip(loopback, &HeaderMap::new()), "127.0.0.1");
        assert_eq!(
            remote_ip(loopback, &headers("203.0.113.7, 10.0.0.1")),
            "203.0.113.7"
        );
        assert_eq!(remote_ip(loopback, &headers("2001:db8::1")), "2001:db8::1");
        assert_eq!(remote_ip(loopback, &headers("unknown")), "127.0.0.1");
        assert_eq!(
            remote_ip(Some(IpAddr::from([192, 0, 2, 1])), &headers("203.0.113.7")),
            "192.0.2.1"
        );
        assert_eq!(remote_ip(None, &HeaderMap::new()), "127.0.0.1");
    }

    #[test]
    fn content_types() {
        let labelled = |kind: &'static str| {
            is_json(&HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_static(kind),
            )]))
        };
        assert!(is_json(&HeaderMap::new()));
        assert!(labelled("application/json"));
        assert!(labelled("Application/JSON; charset=utf-8"));
        assert!(labelled("text/plain;charset=UTF-8"));
        assert!(!labelled("application/x-www-form-urlencoded"));
    }
}
