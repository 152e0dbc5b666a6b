# SPDX-License-Identifier: Apache-2.0
"""The gRPC server: decode, call the service, encode. Only this package and the client know gRPC."""
