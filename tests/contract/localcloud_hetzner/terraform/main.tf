# What the local cloud is held against with Hetzner's own provider: one of each kind.
terraform {
  required_providers {
    hcloud = { source = "hetznercloud/hcloud" }
  }
}

provider "hcloud" {
  poll_interval = "20ms"
}

variable "public_key" { type = string }
variable "server_type" { default = "cx23" }
variable "volume_size" { default = 10 }
variable "protected" { default = true }

locals {
  labels = { "managed-by" = "terraform", "blueagency.io/env" = "test" }
}

resource "hcloud_ssh_key" "key" {
  name       = "key"
  public_key = var.public_key
  labels     = local.labels
}

resource "hcloud_network" "net" {
  name     = "net"
  ip_range = "10.0.0.0/16"
  labels   = local.labels
}

resource "hcloud_network_subnet" "subnet" {
  network_id   = hcloud_network.net.id
  type         = "cloud"
  network_zone = "eu-central"
  ip_range     = "10.0.1.0/24"
}

resource "hcloud_network_route" "route" {
  network_id  = hcloud_network.net.id
  destination = "10.100.0.0/16"
  gateway     = "10.0.1.5"
  depends_on  = [hcloud_network_subnet.subnet]
}

resource "hcloud_firewall" "wall" {
  name   = "wall"
  labels = local.labels
  rule {
    description = "ssh"
    direction   = "in"
    protocol    = "tcp"
    port        = "22"
    source_ips  = ["0.0.0.0/0", "::/0"]
  }
  rule {
    direction  = "in"
    protocol   = "icmp"
    source_ips = ["0.0.0.0/0"]
  }
}

resource "hcloud_primary_ip" "ip" {
  name        = "ip"
  type        = "ipv4"
  location    = "fsn1"
  auto_delete = false
  labels      = local.labels
}

resource "hcloud_placement_group" "group" {
  name = "group"
  type = "spread"
}

resource "hcloud_server" "web" {
  name               = "web"
  server_type        = var.server_type
  image              = "debian-13"
  location           = "fsn1"
  ssh_keys           = [hcloud_ssh_key.key.id]
  firewall_ids       = [hcloud_firewall.wall.id]
  placement_group_id = hcloud_placement_group.group.id
  backups            = true
  user_data          = "#cloud-config\n{}\n"
  labels             = local.labels
  public_net {
    ipv4_enabled = true
    ipv4         = hcloud_primary_ip.ip.id
    ipv6_enabled = true
  }
  network {
    network_id = hcloud_network.net.id
    ip         = "10.0.1.7"
    alias_ips  = ["10.0.1.8"]
  }
  depends_on = [hcloud_network_subnet.subnet]
}

resource "hcloud_rdns" "primary" {
  primary_ip_id = hcloud_primary_ip.ip.id
  ip_address    = hcloud_primary_ip.ip.ip_address
  dns_ptr       = "web.acme.example"
}

resource "hcloud_rdns" "server" {
  server_id  = hcloud_server.web.id
  ip_address = hcloud_server.web.ipv6_address
  dns_ptr    = "web6.acme.example"
}

resource "hcloud_volume" "data" {
  name              = "data"
  size              = var.volume_size
  location          = "fsn1"
  format            = "xfs"
  delete_protection = var.protected
  labels            = local.labels
}

resource "hcloud_volume_attachment" "data" {
  volume_id = hcloud_volume.data.id
  server_id = hcloud_server.web.id
  automount = false
}

resource "hcloud_floating_ip" "floating" {
  name          = "floating"
  type          = "ipv4"
  home_location = "fsn1"
  description   = "moves"
}

resource "hcloud_floating_ip_assignment" "floating" {
  floating_ip_id = hcloud_floating_ip.floating.id
  server_id      = hcloud_server.web.id
}

resource "hcloud_snapshot" "snapshot" {
  server_id   = hcloud_server.web.id
  description = "golden"
  labels      = local.labels
}

resource "hcloud_zone" "zone" {
  name   = "acme.example"
  mode   = "primary"
  ttl    = 3600
  labels = local.labels
}

resource "hcloud_zone_rrset" "www" {
  zone    = hcloud_zone.zone.name
  name    = "www"
  type    = "A"
  ttl     = 300
  records = [{ value = hcloud_primary_ip.ip.ip_address, comment = "web" }]
}

data "hcloud_image" "debian" {
  name              = "debian-13"
  with_architecture = "x86"
}

data "hcloud_servers" "all" {
  with_selector = "managed-by=terraform"
  depends_on    = [hcloud_server.web]
}

data "hcloud_server_types" "all" {}

data "hcloud_locations" "all" {}
