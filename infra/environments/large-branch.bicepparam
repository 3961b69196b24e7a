using '../main.bicep'

// A branch with two worker groups, an agent VM in Azure and a steady load.
param branch = 'antwerp'
param authAudience = 'api://postern'
param cosmosCapacity = 'autoscale'
param workerGroups = [
  {
    name: 'main'
    targets: [
      'hr-db'
      'crm'
    ]
  }
  {
    name: 'plant'
    targets: [
      'mes'
    ]
  }
]
param agentVm = {
  group: 'main'
  subnetId: '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/antwerp/subnets/agents'
  adminUsername: 'postern-admin'
  sshPublicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample'
  size: 'Standard_B2s_v2'
}
