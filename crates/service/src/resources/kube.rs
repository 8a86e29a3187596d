//! Pods with their containers and volumes, as Kubernetes documents ask for them: all of it, or nothing.
//!
//! Each part is made as its own create makes it, and is judged and counted as that.

use super::{check_labels, pods, pruned};
use crate::containers::check;
use crate::lifetime::settle;
use crate::policy::Booking;
use crate::{Call, Error, NewContainer, Result, Scope, Service};
use podlane_engine::{
    ContainerRef, Error as EngineError, Image, KubeOf, NewPod, NewVolume, PodId, PodName,
    PodSummary, Resource, VolumeName,
};

/// What shall be there.
#[derive(Debug, Clone, Default)]
pub struct NewKube {
    /// Volumes.
    pub volumes: Vec<KubeVolume>,
    /// Pods, each with its containers, which join it.
    pub pods: Vec<(NewPod, Vec<NewContainer>)>,
}

/// A volume of a document.
#[derive(Debug, Clone)]
pub struct KubeVolume {
    /// It.
    pub new: NewVolume,
    /// Whether it lives and ends with a pod. Another one may be there already, and stays.
    pub scratch: bool,
}

/// What was made.
#[derive(Debug, Clone, Default)]
pub struct MadeKube {
    /// The pods, as they are now.
    pub pods: Vec<PodSummary>,
    /// The volumes that were not there, by name.
    pub volumes: Vec<String>,
}

/// What was removed, by name.
#[derive(Debug, Clone, Default)]
pub struct RemovedKube {
    /// Pods, with all that was in them.
    pub pods: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
}

/// What has been made so far.
#[derive(Debug, Default)]
struct Half {
    pods: Vec<PodId>,
    volumes: Vec<VolumeName>,
}

impl Service {
    /// Makes all of it and starts it, or leaves nothing of it behind.
    pub async fn kube_up(&self, call: &Call, mut new: NewKube) -> Result<MadeKube> {
        call.may(Scope::PodsWrite)?;
        may_all(call, &new)?;
        call.note(|| {
            let names = new.pods.iter().map(|(pod, _)| pod.name.as_str());
            format!("pods {}", names.collect::<Vec<_>>().join(", "))
        });
        for volume in &new.volumes {
            check_labels(&volume.new.labels)?;
        }
        for (pod, containers) in &new.pods {
            pods::check(call, pod)?;
            containers.iter().try_for_each(|one| check(call, one))?;
        }
        let worker = self.0.gate.enter(call).await?;
        let bookings = self.permit_all(call, &mut new).await?;
        let containers = new.pods.iter().flat_map(|(_, containers)| containers);
        let mut wanted = Vec::new();
        for container in containers {
            let login = self.login(call, &container.image, &container.pull_as);
            wanted.push((container, login.await?));
        }
        // Giving up here, with the caller, cancels transfers.
        let mut images = Vec::new();
        for (container, login) in wanted {
            let image = self.provide_image(call, container, login.as_ref()).await?;
            self.permit_user(call, container, &image)?;
            images.push(image);
        }
        let changing = self.0.view.changing();
        let (service, call) = (self.clone(), call.clone());
        self.to_the_end(async move {
            let (_worker, _changing, _bookings) = (worker, changing, bookings);
            let mut half = Half::default();
            let made = service.make_all(&call, new, images, &mut half).await;
            if made.is_err() {
                service.take_down(&call, half).await;
            }
            made
        })
        .await
    }

    /// Refuses what the policy forbids of any of it, and takes places in quotas for all containers.
    async fn permit_all(&self, call: &Call, new: &mut NewKube) -> Result<Vec<Booking>> {
        let mut bookings = Vec::new();
        for (pod, containers) in &mut new.pods {
            self.permit_pod(call, pod)?;
            for container in containers {
                self.permit(call, container).await?;
                settle(container)?;
                bookings.extend(self.book(call, container).await?);
            }
        }
        Ok(bookings)
    }

    async fn make_all(
        &self,
        call: &Call,
        new: NewKube,
        images: Vec<Image>,
        half: &mut Half,
    ) -> Result<MadeKube> {
        for volume in new.volumes {
            let KubeVolume { mut new, scratch } = volume;
            let name = new.name.clone();
            match self.0.engine.volume(call, &name).await {
                Ok(_) if !scratch => drop(self.own_volume(call, &name).await?),
                Ok(_) => {
                    let (resource, name) = (Resource::Volume, name.to_string());
                    return Err(EngineError::NameInUse { resource, name }.into());
                }
                Err(EngineError::NotFound { .. }) => {
                    call.sign(&mut new.labels);
                    self.0.engine.create_volume(call, &new).await?;
                    half.volumes.push(name);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut images = images.into_iter();
        for (pod, containers) in new.pods {
            let pod = self.make_pod(call, pod).await?;
            half.pods.push(pod.summary.id.clone());
            for (container, image) in containers.into_iter().zip(images.by_ref()) {
                self.run_in(call, &container, &image, Some(&pod)).await?;
            }
        }
        let mut made = MadeKube::default();
        for id in &half.pods {
            made.pods.push(self.pod_now(call, id).await?);
        }
        let names = half.volumes.iter();
        made.volumes = names.map(ToString::to_string).collect();
        Ok(made)
    }

    /// Removes what was made of something that could not be made whole.
    async fn take_down(&self, call: &Call, half: Half) {
        let call = call.extended(self.0.limits.request_timeout);
        for pod in &half.pods {
            if let Err(error) = self.0.engine.remove_pod(&call, pod, true).await {
                tracing::warn!(request_id = %call.request_id, pod = pod.short(), %error, "a pod stays of documents that could not be brought up");
            }
        }
        self.give_back(&call, half.volumes).await;
    }

    /// Removes the pods of documents, running or not, with the volumes that end with them, and if `all` with the
    /// other volumes too. What is not there, or another's, is left out.
    pub async fn kube_down(&self, call: &Call, old: NewKube, all: bool) -> Result<RemovedKube> {
        call.may(Scope::PodsWrite)?;
        may_all(call, &old)?;
        call.note(|| {
            let names = old.pods.iter().map(|(pod, _)| pod.name.as_str());
            format!("pods {}", names.collect::<Vec<_>>().join(", "))
        });
        let service = self.clone();
        self.change(call, |engine, call| async move {
            let mut removed = RemovedKube::default();
            for (pod, _) in old.pods {
                let found = match there(service.own_pod(&call, &pod.name).await)? {
                    Some(found) if found.summary.name == pod.name.as_str() => found.summary,
                    _ => continue,
                };
                if pruned(engine.remove_pod(&call, &found.id, true).await)? {
                    removed.pods.push(found.name);
                }
            }
            for volume in old.volumes {
                let name = volume.new.name;
                if !(volume.scratch || all)
                    || there(service.own_volume(&call, &name).await)?.is_none()
                {
                    continue;
                }
                if pruned(engine.remove_volume(&call, &name).await)? {
                    removed.volumes.push(name.to_string());
                }
            }
            Ok(removed)
        })
        .await
    }

    /// Kubernetes' documents for pods, and for containers that are in none, as the engine writes them.
    pub async fn kube_of(&self, call: &Call, names: Vec<PodName>) -> Result<Vec<String>> {
        call.may(Scope::PodsRead)?;
        // They tell the environment.
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut documents = Vec::new();
        for name in names {
            let of = match there(self.own_pod(call, &name).await)? {
                Some(pod) => KubeOf::Pod(pod.summary.id),
                None => self.container_alone(call, &name).await?,
            };
            documents.push(self.0.engine.generate_kube(call, &of).await?);
        }
        Ok(documents)
    }

    async fn container_alone(&self, call: &Call, name: &PodName) -> Result<KubeOf> {
        let reference = ContainerRef::parse(name.as_str()).map_err(Error::name_in("name"))?;
        let container = match self.find(call, &reference).await {
            Err(Error::Engine(EngineError::NotFound { .. })) => {
                return Err(crate::finding::missing(Resource::Pod, name).into());
            }
            other => other?,
        };
        if container.pod.is_some() {
            let message = format!("the container {name} is in a pod: name the pod");
            return Err(Error::invalid("name", message));
        }
        Ok(KubeOf::Container(container.id))
    }
}

/// What is made or removed with pods takes its own scopes.
fn may_all(call: &Call, kube: &NewKube) -> Result<()> {
    if kube
        .pods
        .iter()
        .any(|(_, containers)| !containers.is_empty())
    {
        call.may(Scope::ContainersWrite)?;
    }
    if !kube.volumes.is_empty() {
        call.may(Scope::VolumesWrite)?;
    }
    Ok(())
}

/// What was found, if it is there.
fn there<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Engine(EngineError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}
