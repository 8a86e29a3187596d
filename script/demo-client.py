"""The API document's Python client example as it stands there; script/demo runs it.

Only the base URL and the image come from the command line: demo-client.py BASE_URL IMAGE.
"""
import sys

BASE_URL, IMAGE = sys.argv[1:]

# --- the example ---
import requests
import json

class PodmanAPIClient:
    def __init__(self, base_url="http://localhost:5000/api/v1"):
        self.base_url = base_url
    
    def create_container(self, image, name, **kwargs):
        data = {"image": image, "name": name, **kwargs}
        response = requests.post(f"{self.base_url}/containers", json=data)
        return response.json()
    
    def execute_command(self, container_name, command, user=None):
        data = {"command": command}
        if user:
            data["user"] = user
        response = requests.post(
            f"{self.base_url}/containers/{container_name}/exec", 
            json=data
        )
        return response.json()

# Usage
client = PodmanAPIClient(BASE_URL)
result = client.create_container(IMAGE, "test-container")
print(json.dumps(result, indent=2))
