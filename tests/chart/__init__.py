"""The Helm chart and the image, without a cluster."""
