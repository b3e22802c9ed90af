//! Free ports for programs that are stopped and started again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below the range of ephemeral ports. While a program is down, connections to its port must be refused; an ephemeral
/// port could be given to another process meanwhile.
const PORT_MIN: u16 = 20_000;
const PORT_MAX: u16 = 32_000;

/// Returns a loopback address that is free now.
///
/// # Errors
/// When none of 100 random ports could be bound.
pub fn find_free() -> io::Result<SocketAddr> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..100 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORT_MIN..PORT_MAX)));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}
