// A tour through the Hetzner Cloud API with Hetzner's own Go client. It exits with a message when
// an answer is not what the client needs: Go's decoder is the strictest of all clients'.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

var ctx = context.Background()

// ensure ends the program when err is set or good is false.
func ensure(good bool, err error, what string) {
	if err != nil || !good {
		fmt.Fprintf(os.Stderr, "%s: good=%v err=%v\n", what, good, err)
		os.Exit(1)
	}
}

func wait(client *hcloud.Client, actions ...*hcloud.Action) {
	var present []*hcloud.Action
	for _, action := range actions {
		if action != nil {
			present = append(present, action)
		}
	}
	ensure(true, client.Action.WaitFor(ctx, present...), "wait for actions")
}

func catalogue(client *hcloud.Client) {
	pricing, _, err := client.Pricing.Get(ctx)
	ensure(len(pricing.PrimaryIPs) == 2 && len(pricing.ServerTypes) > 20, err, "pricing")
	types, err := client.ServerType.All(ctx)
	ensure(len(types) > 20 && types[0].Cores > 0, err, "server types")
	locations, err := client.Location.All(ctx)
	ensure(len(locations) == 6, err, "locations")
	isos, err := client.ISO.All(ctx)
	ensure(len(isos) > 0, err, "isos")
}

func firewall(client *hcloud.Client) *hcloud.Firewall {
	_, everywhere, _ := net.ParseCIDR("0.0.0.0/0")
	result, _, err := client.Firewall.Create(ctx, hcloud.FirewallCreateOpts{
		Name: "go-wall",
		Rules: []hcloud.FirewallRule{{
			Direction: hcloud.FirewallRuleDirectionIn,
			Protocol:  hcloud.FirewallRuleProtocolTCP,
			Port:      hcloud.Ptr("22"),
			SourceIPs: []net.IPNet{*everywhere},
		}},
		ApplyTo: []hcloud.FirewallResource{{
			Type:          hcloud.FirewallResourceTypeLabelSelector,
			LabelSelector: &hcloud.FirewallResourceLabelSelector{Selector: "go=yes"},
		}},
	})
	ensure(true, err, "firewall create")
	wait(client, result.Actions...)
	return result.Firewall
}

func network(client *hcloud.Client) *hcloud.Network {
	_, whole, _ := net.ParseCIDR("10.0.0.0/16")
	_, part, _ := net.ParseCIDR("10.0.1.0/24")
	made, _, err := client.Network.Create(ctx, hcloud.NetworkCreateOpts{
		Name:    "go-net",
		IPRange: whole,
		Subnets: []hcloud.NetworkSubnet{{
			Type: hcloud.NetworkSubnetTypeCloud, IPRange: part, NetworkZone: hcloud.NetworkZoneEUCentral,
		}},
	})
	ensure(made.Subnets[0].Gateway != nil, err, "network create")
	return made
}

func volume(client *hcloud.Client) *hcloud.Volume {
	made, _, err := client.Volume.Create(ctx, hcloud.VolumeCreateOpts{
		Name: "go-data", Size: 10, Location: &hcloud.Location{Name: "fsn1"}, Format: hcloud.Ptr("xfs"),
	})
	ensure(true, err, "volume create")
	wait(client, append(made.NextActions, made.Action)...)
	return made.Volume
}

func server(client *hcloud.Client, net *hcloud.Network, disk *hcloud.Volume) *hcloud.Server {
	image, _, err := client.Image.GetForArchitecture(ctx, "debian-13", hcloud.ArchitectureX86)
	ensure(image != nil, err, "image by architecture")
	opts := hcloud.ServerCreateOpts{
		Name:       "go-web",
		ServerType: &hcloud.ServerType{Name: "cx23"},
		Image:      image,
		Location:   &hcloud.Location{Name: "fsn1"},
		Labels:     map[string]string{"go": "yes"},
		Networks:   []*hcloud.Network{net},
		Volumes:    []*hcloud.Volume{disk},
		UserData:   "#cloud-config\n",
	}
	made, _, err := client.Server.Create(ctx, opts)
	ensure(made.RootPassword != "", err, "server create")
	wait(client, append(made.NextActions, made.Action)...)
	_, _, err = client.Server.Create(ctx, opts)
	ensure(hcloud.IsError(err, hcloud.ErrorCodeUniquenessError), nil, "second server of that name")
	found, _, err := client.Server.GetByName(ctx, "go-web")
	ensure(found.Status == hcloud.ServerStatusRunning && len(found.Volumes) == 1, err, "server ready")
	ensure(found.PublicNet.IPv6.Network != nil && len(found.PrivateNet) == 1, nil, "server's networks")
	return found
}

func life(client *hcloud.Client, found *hcloud.Server) {
	_, _, err := client.Server.ChangeType(ctx, found, hcloud.ServerChangeTypeOpts{
		ServerType: &hcloud.ServerType{Name: "cx33"}, UpgradeDisk: true,
	})
	ensure(hcloud.IsError(err, hcloud.ErrorCode("server_not_stopped")), nil, "change of a running server")
	off, _, err := client.Server.Poweroff(ctx, found)
	ensure(true, err, "power off")
	wait(client, off)
	snapshot, _, err := client.Server.CreateImage(ctx, found, &hcloud.ServerCreateImageOpts{
		Type: hcloud.ImageTypeSnapshot, Labels: map[string]string{"go": "yes"},
	})
	ensure(true, err, "create image")
	wait(client, snapshot.Action)
	images, err := client.Image.AllWithOpts(ctx, hcloud.ImageListOpts{
		ListOpts: hcloud.ListOpts{LabelSelector: "go=yes"}, Type: []hcloud.ImageType{hcloud.ImageTypeSnapshot},
	})
	ensure(len(images) == 1 && images[0].ImageSize > 0, err, "snapshots by label")
	ips, err := client.PrimaryIP.All(ctx)
	ensure(len(ips) == 2, err, "primary IPs")
}

func watch(client *hcloud.Client, found *hcloud.Server) {
	end := time.Now()
	metrics, _, err := client.Server.GetMetrics(ctx, found, hcloud.ServerGetMetricsOpts{
		Types: []hcloud.ServerMetricType{hcloud.ServerMetricCPU, hcloud.ServerMetricNetwork},
		Start: end.Add(-time.Hour),
		End:   end,
	})
	ensure(len(metrics.TimeSeries) == 5 && metrics.Step == 18, err, "metrics")
	console, _, err := client.Server.RequestConsole(ctx, found)
	ensure(console.WSSURL != "" && console.Password != "", err, "console")
	wait(client, console.Action)
}

func zone(client *hcloud.Client) {
	made, _, err := client.Zone.Create(ctx, hcloud.ZoneCreateOpts{
		Name: "go.example", Mode: hcloud.ZoneModePrimary,
	})
	ensure(true, err, "zone create")
	wait(client, made.Action)
	records, _, err := client.Zone.CreateRRSet(ctx, made.Zone, hcloud.ZoneRRSetCreateOpts{
		Name: "www", Type: hcloud.ZoneRRSetTypeA, TTL: hcloud.Ptr(60),
		Records: []hcloud.ZoneRRSetRecord{{Value: "192.0.2.1", Comment: "go"}},
	})
	ensure(true, err, "rrset create")
	wait(client, records.Action)
	all, err := client.Zone.AllRRSets(ctx, made.Zone)
	ensure(len(all) == 3, err, "rrsets")
	deleted, _, err := client.Zone.Delete(ctx, made.Zone)
	ensure(true, err, "zone delete")
	wait(client, deleted.Action)
}

func main() {
	client := hcloud.NewClient(
		hcloud.WithEndpoint(os.Getenv("HCLOUD_ENDPOINT")),
		hcloud.WithToken(os.Getenv("HCLOUD_TOKEN")),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(5 * time.Millisecond)}),
	)
	catalogue(client)
	wall := firewall(client)
	private := network(client)
	found := server(client, private, volume(client))
	watch(client, found)
	life(client, found)
	zone(client)
	absent, _, err := client.Server.GetByID(ctx, 99999999)
	ensure(absent == nil, err, "an absent server is nil")
	_, err = client.Firewall.Delete(ctx, wall)
	ensure(hcloud.IsError(err, hcloud.ErrorCodeResourceInUse), nil, "firewall in use")
	gone, _, err := client.Server.DeleteWithResult(ctx, found)
	ensure(true, err, "server delete")
	wait(client, gone.Action)
	fmt.Println("hcloud-go", hcloud.Version, "is content")
}
