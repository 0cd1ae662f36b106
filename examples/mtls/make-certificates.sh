#!/bin/sh
# Makes an authority for the gateway, one for agents, and a certificate of each. For trying out: keys are not encrypted.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p certificates
cd certificates

authority() { # name, common name
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
		-subj "/CN=$2" -keyout "$1.key" -out "$1.pem" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

signed() { # name, common name, authority, extensions
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	printf '%s\n' "$4" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -CAcreateserial -days 90 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
	rm "$1.csr" "$1.ext"
}

authority gateway-ca "Gateway authority"
authority agents-ca "Agents authority"
signed gateway localhost gateway-ca "subjectAltName=DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth"
signed agent "vault-agent" agents-ca "extendedKeyUsage=clientAuth"
echo "certificates are in $(pwd)"
